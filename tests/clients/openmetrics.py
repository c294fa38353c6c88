"""Reads a file of OpenMetrics by Prometheus' own client, and prints each sample as a line of JSON."""

import json
import sys

from prometheus_client.openmetrics.parser import text_fd_to_metric_families

with open(sys.argv[1], encoding="utf-8") as file:
    families = list(text_fd_to_metric_families(file))
for family in families:
    for sample in family.samples:
        print(json.dumps({"family": family.name, "type": family.type, "name": sample.name, "labels": sample.labels, "value": sample.value}))
