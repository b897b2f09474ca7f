"""The shop, as data: sixteen programs in two namespaces on three nodes, who calls whom, what a request costs.

Customers arrive at `edge-gateway`. Figures are chosen so that at the week's peak every container runs at 15 to 35 % of its CPU limit
and 45 to 65 % of its memory limit: a healthy shop raises no alarm, and a fault has to be a real one to show.
"""

from __future__ import annotations

from simulator.apps import App, Call, EntryShare, Memory, NodeSpec, Resources, Route, Shop, Tool
from simulator.settings import (
    CATALOGUE_CONFIG,
    CHECKOUT_CONFIG,
    INVENTORY_CONFIG,
    ORDERS_CONFIG,
    PAYMENTS_CONFIG,
    RECOMMENDATIONS_CONFIG,
    SEARCH_CONFIG,
)

CACHE = Call("session-cache", "get", "CACHE_ADDR", required=False, timeout=0.5)
REGISTRY = "registry.shop.example"


def _query(per_request: float = 1.0) -> Call:
    return Call("shop-db", "query", "DATABASE_URL", per_request)


def _missed(per_request: float) -> Call:
    return Call("shop-db", "query", "DATABASE_URL", per_request, behind="session-cache")


def _write(per_request: float = 1.0) -> Call:
    return Call("shop-db", "write", "DATABASE_URL", per_request)


def _call(app: str, route: str, per_request: float = 1.0, required: bool = True, timeout: float = 2.0) -> Call:
    return Call(app, route, f"{app.upper().replace('-', '_')}_URL", per_request, required, timeout)


EDGE_GATEWAY = App(
    name="edge-gateway",
    namespace="shop",
    port=8080,
    routes=(
        Route(
            "GET",
            "/",
            2.0,
            1.0,
            (_call("catalogue", "/featured", timeout=3), _call("recommendations", "/for-you", required=False)),
            "/",
        ),
        Route(
            "GET",
            "/products/{id}",
            2.0,
            1.0,
            (_call("catalogue", "/products/{id}", timeout=3), _call("pricing", "/prices")),
            "/products/{n}",
        ),
        Route("GET", "/search", 1.8, 1.0, (_call("search", "/search", timeout=3),), "/search?q=item{n}"),
        Route("GET", "/cart", 1.8, 1.0, (_call("cart", "/cart", timeout=3),), "/cart"),
        Route("GET", "/account", 1.8, 1.0, (_call("accounts", "/profile", timeout=3),), "/account"),
        Route("POST", "/checkout", 2.4, 1.0, (_call("checkout", "/checkout", timeout=5),), "/checkout"),
    ),
    memory=Memory(idle=42, busy=66, per_rps=0.15),
    resources=Resources("150m", "500m", "64Mi", "128Mi"),
    replicas=3,
    versions=("1.17.2", "1.18.0"),
    log_style="access",
    boot_seconds=2.0,
    image_mb=54,
    concurrency=256,
    is_edge=True,
    most_replicas=6,
    config_file="routes.yaml",
    config=(
        "routes:\n"
        "- path: /featured\n  upstream: ${CATALOGUE_URL}\n"
        "- path: /products\n  upstream: ${CATALOGUE_URL}\n"
        "- path: /for-you\n  upstream: ${RECOMMENDATIONS_URL}\n"
        "- path: /prices\n  upstream: ${PRICING_URL}\n"
        "- path: /search\n  upstream: ${SEARCH_URL}\n"
        "- path: /cart\n  upstream: ${CART_URL}\n"
        "- path: /profile\n  upstream: ${ACCOUNTS_URL}\n"
        "- path: /checkout\n  upstream: ${CHECKOUT_URL}\n"
    ),
)

CATALOGUE = App(
    name="catalogue",
    namespace="shop",
    port=8080,
    routes=(
        Route("GET", "/featured", 6.0, 3.0, (CACHE, _missed(0.2)), "/featured"),
        Route("GET", "/products/{id}", 5.0, 2.0, (CACHE, _missed(0.3)), "/products/{n}"),
    ),
    memory=Memory(idle=78, busy=132, per_rps=0.4),
    resources=Resources("100m", "400m", "128Mi", "256Mi"),
    language="node",
    replicas=3,
    versions=("3.7.4", "3.8.1"),
    log_style="json",
    boot_seconds=4.5,
    image_mb=118,
    config_file="catalogue.json",
    config=CATALOGUE_CONFIG,
)

SEARCH = App(
    name="search",
    namespace="shop",
    port=8080,
    routes=(Route("GET", "/search", 14.0, 8.0, (), "/search?q=item{n}&page=1"),),
    memory=Memory(idle=150, busy=260, per_rps=1.5),
    resources=Resources("200m", "500m", "256Mi", "512Mi"),
    language="java",
    replicas=2,
    versions=("2.3.0", "2.4.1"),
    boot_seconds=7.0,
    image_mb=212,
    config_file="application.yaml",
    config=SEARCH_CONFIG,
    data_dir="/var/lib/index",
)

RECOMMENDATIONS = App(
    name="recommendations",
    namespace="shop",
    port=8080,
    routes=(Route("GET", "/for-you", 10.0, 5.0, (CACHE, _missed(0.1)), "/for-you?user={n}"),),
    memory=Memory(idle=160, busy=230, per_rps=1.0),
    resources=Resources("150m", "400m", "256Mi", "448Mi"),
    language="python",
    replicas=2,
    log_style="nested",
    most_replicas=5,
    versions=("0.9.6", "0.10.2"),
    boot_seconds=8.0,
    image_mb=340,
    config_file="settings.yaml",
    config=RECOMMENDATIONS_CONFIG,
    data_dir="/var/cache/models",
)

PRICING = App(
    name="pricing",
    namespace="shop",
    port=8080,
    routes=(Route("GET", "/prices", 3.5, 1.5, (), "/prices?sku={n}"),),
    memory=Memory(idle=36, busy=60, per_rps=0.2),
    resources=Resources("100m", "300m", "64Mi", "128Mi"),
    replicas=2,
    tongue="zh",
    versions=("5.1.0", "5.1.3"),
    boot_seconds=2.5,
    image_mb=38,
)

CART = App(
    name="cart",
    namespace="shop",
    port=8080,
    routes=(
        Route("GET", "/cart", 7.0, 2.0, (Call("session-cache", "get", "CACHE_ADDR", 2.0, timeout=0.5),), "/cart/{n}"),
    ),
    memory=Memory(idle=64, busy=104, per_rps=0.5),
    resources=Resources("80m", "250m", "96Mi", "192Mi"),
    language="node",
    replicas=2,
    versions=("2.0.8", "2.1.0"),
    boot_seconds=4.0,
    image_mb=96,
)

ACCOUNTS = App(
    name="accounts",
    checks_tokens=True,
    namespace="shop",
    port=8080,
    routes=(
        Route(
            "GET",
            "/profile",
            9.0,
            3.0,
            (
                CACHE,
                Call("accounts-db", "query", "MYSQL_URL", 0.5, behind="session-cache"),
                Call("accounts-db", "write", "MYSQL_URL", 0.2),
            ),
            "/profile/{n}",
        ),
    ),
    memory=Memory(idle=88, busy=138, per_rps=0.8),
    resources=Resources("80m", "200m", "128Mi", "256Mi"),
    language="java",
    replicas=2,
    log_style="spring",
    tongue="zh",
    versions=("4.4.0", "4.5.0"),
    boot_seconds=5.0,
    image_mb=124,
)

CHECKOUT = App(
    name="checkout",
    namespace="shop",
    port=8080,
    routes=(
        Route(
            "POST",
            "/checkout",
            22.0,
            6.0,
            (
                _call("cart", "/cart"),
                _call("pricing", "/prices"),
                _call("payments", "/charge", timeout=3),
                _call("orders", "/orders"),
            ),
            "/checkout",
        ),
    ),
    memory=Memory(idle=92, busy=150, per_rps=3.0),
    resources=Resources("80m", "250m", "128Mi", "256Mi"),
    language="java",
    replicas=3,
    log_style="spring",
    versions=("2.13.0", "2.14.1"),
    boot_seconds=5.5,
    image_mb=131,
    config_file="checkout.yaml",
    config=CHECKOUT_CONFIG,
)

SESSION_CACHE = App(
    name="session-cache",
    namespace="shop",
    port=6379,
    routes=(Route("CMD", "get", 0.35, 0.15, (), "GET session:{n}"),),
    config_file="redis.conf",
    config="maxmemory 256mb\nmaxmemory-policy allkeys-lru\nmaxclients 10000\nappendonly no\n",
    memory=Memory(idle=30, busy=150, per_rps=0.1, warm_seconds=120),
    resources=Resources("100m", "300m", "192Mi", "320Mi"),
    language="c",
    replicas=1,
    versions=("7.2.3", "7.2.4"),
    protocol="tcp",
    log_style="redis",
    boot_seconds=1.0,
    image_mb=42,
    repository="docker.io/library/redis",
    strategy="Recreate",
    data_dir="/data",
    typed=(),
)

SHOP_DB = App(
    name="shop-db",
    namespace="shop",
    port=5432,
    is_durable=True,
    routes=(
        Route("SQL", "query", 2.5, 1.2, (), "SELECT ... WHERE id = {n}"),
        Route("SQL", "write", 2.8, 1.6, (), "INSERT INTO ... VALUES ({n}, ...)", writes=True),
    ),
    config_file="postgresql.conf",
    config=(
        "max_connections = 100\nshared_buffers = 256MB\ndefault_transaction_read_only = off\n"
        "log_min_duration_statement = 250\n"
    ),
    grants="GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO shop;\n",
    account="shop",
    database="shop",
    memory=Memory(idle=180, busy=520, per_rps=0.5, warm_seconds=180),
    resources=Resources("500m", "1", "768Mi", "1Gi"),
    language="c",
    replicas=1,
    versions=("16.1", "16.2"),
    protocol="tcp",
    log_style="postgres",
    boot_seconds=6.0,
    image_mb=150,
    repository="docker.io/library/postgres",
    strategy="Recreate",
    data_dir="/var/lib/postgresql/data",
    typed=(),
)

ACCOUNTS_DB = App(
    name="accounts-db",
    namespace="shop",
    port=3306,
    is_durable=True,
    routes=(
        Route("SQL", "query", 2.0, 1.0, (), "SELECT * FROM profiles WHERE id = {n}"),
        Route("SQL", "write", 2.4, 1.4, (), "UPDATE profiles SET last_seen = NOW() WHERE id = {n}", writes=True),
    ),
    config_file="my.cnf",
    config="[mysqld]\nmax_connections = 151\nread_only = OFF\ninnodb_buffer_pool_size = 256M\nlong_query_time = 0.25\n",
    grants="GRANT SELECT, INSERT, UPDATE, DELETE ON accounts.* TO 'accounts'@'%';\n",
    account="accounts",
    database="accounts",
    memory=Memory(idle=210, busy=400, per_rps=0.5, warm_seconds=180),
    resources=Resources("250m", "500m", "512Mi", "768Mi"),
    replicas=1,
    versions=("8.0.36", "8.0.37"),
    protocol="tcp",
    log_style="mysql",
    language="c",
    boot_seconds=7.0,
    image_mb=170,
    repository="docker.io/library/mysql",
    strategy="Recreate",
)

ORDERS = App(
    name="orders",
    checks_tokens=True,
    namespace="fulfilment",
    port=8080,
    routes=(
        Route(
            "POST",
            "/orders",
            12.0,
            4.0,
            (_call("inventory", "/reserve"), _query(), _write(), Call("orders-queue", "publish", "AMQP_URL")),
            "/orders",
        ),
    ),
    memory=Memory(idle=84, busy=128, per_rps=2.0),
    resources=Resources("80m", "250m", "128Mi", "256Mi"),
    language="java",
    replicas=2,
    log_style="spring",
    versions=("1.8.2", "1.9.0"),
    boot_seconds=4.5,
    image_mb=109,
    config_file="application.yaml",
    config=ORDERS_CONFIG,
)

INVENTORY = App(
    name="inventory",
    namespace="fulfilment",
    port=8080,
    routes=(
        Route("POST", "/reserve", 8.0, 3.0, (_query(0.5), _write(0.5)), "/reserve/{n}"),
        Route("POST", "/commit", 8.0, 3.0, (_query(0.5), _write(0.5)), "/commit/{n}"),
    ),
    memory=Memory(idle=70, busy=118, per_rps=1.0),
    resources=Resources("80m", "250m", "96Mi", "224Mi"),
    replicas=2,
    log_style="json",
    tongue="zh",
    versions=("3.0.1", "3.1.0"),
    boot_seconds=4.0,
    image_mb=101,
    config_file="inventory.yaml",
    config=INVENTORY_CONFIG,
)

PAYMENTS = App(
    name="payments",
    checks_tokens=True,
    namespace="fulfilment",
    port=8443,
    speaks_tls=True,
    routes=(Route("POST", "/charge", 15.0, 110.0, (), "/charge"),),
    memory=Memory(idle=96, busy=142, per_rps=2.0),
    resources=Resources("80m", "250m", "128Mi", "256Mi"),
    replicas=2,
    versions=("6.2.0", "6.2.1"),
    boot_seconds=6.0,
    image_mb=144,
    language="java",
    config_file="application.yaml",
    config=PAYMENTS_CONFIG,
)

ORDERS_QUEUE = App(
    name="orders-queue",
    namespace="fulfilment",
    port=5672,
    is_durable=True,
    routes=(
        Route("AMQP", "publish", 1.2, 0.8, (), "publish orders"),
        Route("AMQP", "deliver", 0.9, 0.6, (), "deliver orders"),
    ),
    memory=Memory(idle=96, busy=150, per_rps=0.5, warm_seconds=60),
    resources=Resources("100m", "300m", "192Mi", "320Mi"),
    language="c",
    replicas=1,
    account="shop",
    database="/",
    versions=("3.12.12", "3.13.1"),
    protocol="tcp",
    log_style="rabbitmq",
    boot_seconds=9.0,
    image_mb=106,
    repository="docker.io/library/rabbitmq",
    strategy="Recreate",
    data_dir="/var/lib/rabbitmq",
    typed=(),
)

SHIPPING_WORKER = App(
    name="shipping-worker",
    namespace="fulfilment",
    port=9090,
    routes=(
        Route(
            "JOB",
            "ship-order",
            25.0,
            40.0,
            (Call("orders-queue", "deliver", "AMQP_URL"), _call("inventory", "/commit"), _write()),
        ),
    ),
    memory=Memory(idle=74, busy=120, per_rps=2.0),
    resources=Resources("100m", "400m", "128Mi", "224Mi"),
    language="python",
    replicas=2,
    log_style="plain",
    versions=("1.4.0", "1.4.2"),
    boot_seconds=3.5,
    image_mb=97,
    consumes="orders-queue",
)

# Nobody's part of the shop: what the analysts run, with as many threads as they ask for.
REPORT_BUILDER = App(
    name="report-builder",
    namespace="analytics",
    port=9091,
    routes=(),
    memory=Memory(idle=220, busy=220),
    resources=Resources("1500m", "", "256Mi", ""),
    replicas=1,
    versions=("4.1.0", "4.2.0"),
    repository="ghcr.io/opendata-tools/report-builder",
    boot_seconds=3.0,
    image_mb=260,
)

SHOP = Shop(
    apps=(
        EDGE_GATEWAY,
        CATALOGUE,
        SEARCH,
        RECOMMENDATIONS,
        PRICING,
        CART,
        ACCOUNTS,
        CHECKOUT,
        SESSION_CACHE,
        SHOP_DB,
        ORDERS,
        INVENTORY,
        PAYMENTS,
        ORDERS_QUEUE,
        SHIPPING_WORKER,
        ACCOUNTS_DB,
    ),
    entries=(
        EntryShare("edge-gateway", "/", 0.18),
        EntryShare("edge-gateway", "/products/{id}", 0.34),
        EntryShare("edge-gateway", "/search", 0.20),
        EntryShare("edge-gateway", "/cart", 0.13),
        EntryShare("edge-gateway", "/account", 0.08),
        EntryShare("edge-gateway", "/checkout", 0.07),
    ),
    nodes=(
        NodeSpec("node-1", 4, 16_384, "10.244.1", "192.168.10.11", "zone-a"),
        NodeSpec("node-2", 4, 16_384, "10.244.2", "192.168.10.12", "zone-b"),
        # Marked for next Sunday's kernel update: pods rather go elsewhere, none has to.
        NodeSpec(
            "node-3", 4, 16_384, "10.244.3", "192.168.10.13", "zone-c", (("maintenance", "sunday", "PreferNoSchedule"),)
        ),
        NodeSpec(
            "control-1",
            2,
            4096,
            "10.244.0",
            "192.168.10.10",
            "zone-a",
            (("node-role.kubernetes.io/control-plane", "", "NoSchedule"),),
            is_control_plane=True,
        ),
    ),
    namespaces=("shop", "fulfilment"),
    peak_rps=120.0,
    tools=(Tool("registry.k8s.io/ingress-nginx/controller:v1.11.3", 110, ports=(80, 443, 10254)),),
    other_images=(
        "docker.io/library/nginx:1.25.4",
        "docker.io/library/busybox:1.36.1",
        "registry.k8s.io/coredns/coredns:v1.11.1",
        "registry.k8s.io/pause:3.9",
    ),
    guests=(REPORT_BUILDER,),
)


def repository(app: App) -> str:
    return app.repository or f"{REGISTRY}/{app.namespace}/{app.name}"


def image(app: App, version: str | None = None) -> str:
    """The full reference of a version; the newest deployed one when none is given."""
    return f"{repository(app)}:{version or app.versions[-1]}"


# A cluster in which nothing runs: for samples from outside.
NO_SHOP = Shop(apps=(), entries=(), nodes=(), namespaces=(), peak_rps=0.0)
