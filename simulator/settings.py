"""The settings files of the shop's programs, as they lie in their ConfigMaps."""

CATALOGUE_CONFIG = """{
  "page": {"size": 24, "max": 96},
  "cache": {"ttlSeconds": 60, "negativeTtlSeconds": 5},
  "images": {"host": "img.shop.example", "formats": ["webp", "jpeg"]},
  "featured": {"count": 12}
}
"""

SEARCH_CONFIG = """index:
  shards: 2
  refresh: 30s
query:
  max-results: 200
  timeout: 1500ms
  synonyms: true
suggest:
  enabled: true
  min-length: 3
"""

RECOMMENDATIONS_CONFIG = """model:
  name: also-bought
  top_k: 20
  warm_up: true
fallback:
  strategy: bestsellers
  size: 12
"""

CHECKOUT_CONFIG = """steps:
  - address
  - delivery
  - payment
retries:
  max: 1
  backoff: 200ms
limits:
  items: 100
  amount: 5000
"""

ORDERS_CONFIG = """numbering:
  prefix: "A-"
  width: 9
outbox:
  batch: 50
  interval: 2s
retention:
  days: 400
"""

INVENTORY_CONFIG = """reservation:
  ttl: 15m
  sweep: 60s
warehouses:
  - north
  - south
"""

PAYMENTS_CONFIG = """provider:
  name: acquirer
  timeout: 2500ms
  retries: 1
currencies:
  - EUR
  - CHF
idempotency:
  ttl: 24h
"""
