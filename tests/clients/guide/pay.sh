#!/bin/sh
# Pays once: pay.sh URL KEY PAYMENT [SECONDS]. KEY names the payment, also when it is tried again later. Each try may take
# SECONDS. Prints the answer, and fails unless that is a payment.
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT

# Into a file: on standard output the answer would follow those of the tries before.
curl --silent --show-error --fail-with-body --output "$answer" \
    --retry 5 --retry-all-errors --retry-delay 1 --max-time "${4:-30}" \
    --header 'Content-Type: application/json' --header "Idempotency-Key: \"$2\"" --data "$3" "$1"
code=$?

cat "$answer"
exit $code
