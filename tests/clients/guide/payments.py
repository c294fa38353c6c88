import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

RETRY = Retry(
    total=5,
    allowed_methods={"POST"},  # which is not among those of the default
    status_forcelist={408, 409, 425, 429, 502, 503, 504},
    backoff_factor=0.25,  # at once, then 0.5 s, 1 s and so on, unless Retry-After says otherwise
    raise_on_status=False,  # at the end, the last answer, which says more than that there were too many
)


def pay(url, key, payment, timeout=30):
    """Pays once. `key` names the payment, also when it is tried again later. Each try may take `timeout` seconds."""
    with requests.Session() as session:
        for scheme in ("https://", "http://"):
            session.mount(scheme, HTTPAdapter(max_retries=RETRY))
        answer = session.post(url, json=payment, headers={"Idempotency-Key": f'"{key}"'}, timeout=timeout)
        answer.raise_for_status()
        return answer.json()
