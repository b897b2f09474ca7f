"""What vendors call the messages that can be updated in place, in SQL: so that a restart goes on with the same message."""

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from alerts.notify.channels import Posted
from alerts.tables import AlertPostedRow
from core.clock import Clock
from core.database import Database


class PostedMessages:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def last(self, way: str, group_key: str) -> Posted | None:
        async with self._database.read() as session:
            row = await session.get(AlertPostedRow, (group_key, way))
            return Posted(row.mark, frozenset(row.firing)) if row else None

    async def keep(self, way: str, group_key: str, posted: Posted) -> None:
        values = {"mark": dict(posted.mark), "firing": sorted(posted.firing), "at": self._clock.now()}
        async with self._database.write() as session:
            make = postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
            statement = make(AlertPostedRow).values(group_key=group_key, receiver=way, **values)
            await session.execute(
                statement.on_conflict_do_update(index_elements=["group_key", "receiver"], set_=values)
            )

    async def forget(self, way: str, group_key: str) -> None:
        where = (AlertPostedRow.group_key == group_key, AlertPostedRow.receiver == way)
        async with self._database.write() as session:
            await session.execute(delete(AlertPostedRow).where(*where))
