"""Pays by requests, for requests.test.mjs: requests_client.py default|guide URL KEY PAYMENT SECONDS. Prints the payment."""

import json
import sys
from pathlib import Path

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

sys.path.insert(0, str(Path(__file__).parent / "guide"))
import payments


def pay_by_default(url, key, payment, timeout):
    """With urllib3's own rules, told no more than how often."""
    with requests.Session() as session:
        session.mount(url, HTTPAdapter(max_retries=Retry(total=1)))
        answer = session.post(url, json=payment, headers={"Idempotency-Key": f'"{key}"'}, timeout=timeout)
        answer.raise_for_status()
        return answer.json()


rules, url, key, payment, seconds = sys.argv[1:]
pay = {"default": pay_by_default, "guide": payments.pay}[rules]
print(json.dumps(pay(url, key, json.loads(payment), float(seconds))))
