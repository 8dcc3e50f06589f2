"""What a good engineer writes today: FastAPI, Pydantic, SQLAlchemy 2 with its ORM, asyncio and asyncpg, and a check of the JWT.

Everything is asynchronous, nothing waits in a thread; the pool is large enough; each request is one statement in one transaction; who
owns a row is asked in the statement itself; the answer is serialised by Pydantic from the return type.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated
from uuid import UUID

import jwt
from fastapi import Depends, FastAPI, HTTPException, Query, status
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import DateTime, ForeignKey, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, joinedload, mapped_column, relationship

SECRET = os.environ["JWT_SECRET"]

engine = create_async_engine(os.environ["DATABASE_URL"], pool_size=20, max_overflow=0)
new_session = async_sessionmaker(engine, expire_on_commit=False)


# -- tables ----------------------------------------------------------------------------------------------------------


class Base(DeclarativeBase):
    """The tables of this application."""


class ProjectTable(Base):
    __tablename__ = "projects"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Owned:
    """The columns of a row that belongs to somebody."""

    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[UUID] = mapped_column(index=True)
    project: Mapped[int] = mapped_column(ForeignKey("projects.id"))
    title: Mapped[str]
    score: Mapped[int]
    done: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class ItemTable(Owned, Base):
    __tablename__ = "items"

    projects: Mapped[ProjectTable] = relationship()


class NoteTable(Owned, Base):
    __tablename__ = "notes"


# -- what goes in and what comes out ---------------------------------------------------------------------------------


class Project(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str


class NewNote(BaseModel):
    project: int
    title: str = Field(max_length=200)
    score: int = Field(ge=0, le=100)
    done: bool = False


class Changes(BaseModel):
    title: str | None = Field(None, max_length=200)
    score: int | None = Field(None, ge=0, le=100)
    done: bool | None = None


class Row(NewNote):
    model_config = ConfigDict(from_attributes=True)

    id: int
    owner: UUID
    created_at: datetime


class WithProject(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    title: str
    score: int
    projects: Project


# -- what requests need ----------------------------------------------------------------------------------------------


async def get_session() -> AsyncIterator[AsyncSession]:
    async with new_session() as session:
        yield session


async def get_user(bearer: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]) -> UUID:
    try:
        claims = jwt.decode(bearer.credentials, SECRET, algorithms=["HS256"], audience="authenticated")
    except jwt.InvalidTokenError as fault:
        raise HTTPException(status.HTTP_401_UNAUTHORIZED, "The token is not valid.") from fault
    return UUID(claims["sub"])


Session = Annotated[AsyncSession, Depends(get_session)]
User = Annotated[UUID, Depends(get_user)]
LeastScore = Annotated[int, Query(ge=0, le=100)]
Limit = Annotated[int, Query(ge=1, le=100)]


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


# -- routes ----------------------------------------------------------------------------------------------------------


@app.get("/health")
async def health(session: Session) -> int | None:
    return await session.scalar(select(1))


@app.get("/items/{key}")
async def get_item(key: int, session: Session, user: User) -> Row:
    item = await session.scalar(select(ItemTable).where(ItemTable.id == key, ItemTable.owner == user))
    if item is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "There is no such item.")
    return Row.model_validate(item)


@app.get("/items")
async def list_items(session: Session, user: User, least_score: LeastScore = 0, limit: Limit = 20) -> list[Row]:
    items = await session.scalars(
        select(ItemTable)
        .where(ItemTable.owner == user, ItemTable.score >= least_score)
        .order_by(ItemTable.score.desc(), ItemTable.id)
        .limit(limit)
    )
    return [Row.model_validate(item) for item in items]


@app.get("/items-with-projects")
async def list_items_with_projects(
    session: Session, user: User, least_score: LeastScore = 0, limit: Limit = 20
) -> list[WithProject]:
    items = await session.scalars(
        select(ItemTable)
        .options(joinedload(ItemTable.projects, innerjoin=True))
        .where(ItemTable.owner == user, ItemTable.score >= least_score)
        .order_by(ItemTable.score.desc(), ItemTable.id)
        .limit(limit)
    )
    return [WithProject.model_validate(item) for item in items]


@app.post("/notes", status_code=status.HTTP_201_CREATED)
async def create_note(new: NewNote, session: Session, user: User) -> Row:
    note = NoteTable(**new.model_dump(), owner=user)
    session.add(note)
    await session.commit()
    return Row.model_validate(note)


@app.patch("/items/{key}")
async def update_item(key: int, changes: Changes, session: Session, user: User) -> Row:
    item = await session.scalar(
        update(ItemTable)
        .where(ItemTable.id == key, ItemTable.owner == user)
        .values(**changes.model_dump(exclude_unset=True))
        .returning(ItemTable)
    )
    if item is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "There is no such item.")
    await session.commit()
    return Row.model_validate(item)
