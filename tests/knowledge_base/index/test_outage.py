"""The knowledge base on Redis, whole: pages from a folder, an outage in the middle, and back."""

from pathlib import Path

from core.clock import ManualClock
from core.metrics import Metrics
from knowledge_base.index.choice import Wish, chosen
from knowledge_base.index.spare import EVERY
from knowledge_base.knowledge import Knowledge
from tests.knowledge_base.fakes import empty_database, pages_of, write_page
from tests.knowledge_base.index.redis_fake import FakeRedis, fake_redis


async def test_an_outage_of_redis_costs_no_answer(tmp_path: Path, clock: ManualClock) -> None:
    write_page(tmp_path / "pages", "tls.md", "# Certificates\n\nRenew the certificate of the ingress with the issuer.")
    write_page(tmp_path / "pages", "disk.md", "# Disks\n\nRemove old images from the node whose disk is full.")
    database = await empty_database(tmp_path)
    async with fake_redis() as server:
        index = await chosen(Wish(url=f"redis://127.0.0.1:{server.port}"))
        base = Knowledge(database=database, clock=clock, folders=(tmp_path / "pages",), metrics=Metrics(), index=index)
        report = await base.load()
        assert (report.pages, report.passages, base.index) == (2, 2, "redis")
        assert await asked(base, "renew the certificate") == ["tls"]
        assert len(server.sent("FT.AGGREGATE")) == 2

        await server.stop()
        assert await asked(base, "renew the certificate") == ["tls"]
        assert base.index == "local, because redis is away"
        write_page(tmp_path / "pages", "queue.md", "# Queues\n\nThe consumers of the broker are slow.")
        await base.refresh()
        assert await asked(base, "slow consumers of the broker") == ["queue"]

        back = FakeRedis()
        await back.start(server.port)
        for _ in range(EVERY):
            await base._index.keep_up()
        assert base.index == "redis"
        assert await asked(base, "slow consumers of the broker") == ["queue"]
        assert (await base.status()).index == "redis"
        await base.close()
        await back.stop()
    await database.close()


async def asked(base: Knowledge, text: str) -> list[str]:
    return pages_of((await base.search(text)).hits)
