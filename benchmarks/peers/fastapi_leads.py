"""A lead service as tutorials write it: FastAPI, a synchronous SQLAlchemy session, pydantic models, SQLite.

It follows the tutorials of FastAPI and SQLAlchemy: `def` endpoints, a session for each request from a dependency,
a key that is looked up by its hash, `response_model`, commit and refresh. SQLite is in WAL mode with
`synchronous=NORMAL`, as usually recommended, which is less durable than the service.
"""

import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Query, Security
from fastapi.security import APIKeyHeader
from pydantic import BaseModel, ConfigDict, EmailStr, Field
from sqlalchemy import JSON, ForeignKey, String, create_engine, event, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, sessionmaker


def _now() -> datetime:
    return datetime.now(UTC)


def key_hash(key: str) -> str:
    """Return the hash of a key, which is what is stored."""
    return hashlib.sha256(key.encode()).hexdigest()


# Tables


class Base(DeclarativeBase):
    """The base class of the tables."""


class Lead(Base):
    """A lead."""

    __tablename__ = "leads"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    email: Mapped[str] = mapped_column(String(320), unique=True, index=True)
    phone: Mapped[str | None] = mapped_column(String(50))
    source: Mapped[str | None] = mapped_column(String(100))
    owner: Mapped[str | None] = mapped_column(String(320))
    attributes: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    status: Mapped[str] = mapped_column(String(20), default="new")
    created_at: Mapped[datetime] = mapped_column(default=_now, index=True)
    updated_at: Mapped[datetime] = mapped_column(default=_now, onupdate=_now)
    history: Mapped[list["StatusChange"]] = relationship(back_populates="lead", cascade="all, delete-orphan")


class StatusChange(Base):
    """A status of a lead, with the time of the change."""

    __tablename__ = "status_changes"

    id: Mapped[int] = mapped_column(primary_key=True)
    lead_id: Mapped[int] = mapped_column(ForeignKey("leads.id"), index=True)
    status: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime] = mapped_column(default=_now)
    lead: Mapped[Lead] = relationship(back_populates="history")


class ApiKey(Base):
    """An API key."""

    __tablename__ = "api_keys"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    hash: Mapped[str] = mapped_column(String(64), unique=True, index=True)
    active: Mapped[bool] = mapped_column(default=True)


# Request and response models


class LeadIn(BaseModel):
    """A new lead."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=200)
    email: EmailStr
    phone: str | None = Field(default=None, max_length=50)
    source: str | None = Field(default=None, max_length=100)
    owner: EmailStr | None = None
    attributes: dict[str, Any] = Field(default_factory=dict)


class LeadOut(BaseModel):
    """A lead in a response. Addresses are plain text, which is much faster: they were validated on creation."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    email: str
    phone: str | None
    source: str | None
    owner: str | None
    attributes: dict[str, Any]
    status: str
    created_at: datetime
    updated_at: datetime


class LeadPage(BaseModel):
    """A page of leads, newest first."""

    items: list[LeadOut]


# Database

engine = create_engine("sqlite:///leads.db", connect_args={"check_same_thread": False, "timeout": 30})
SessionLocal = sessionmaker(engine, autoflush=False)


@event.listens_for(engine, "connect")
def _configure(connection: Any, _: Any) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")


def get_session() -> Iterator[Session]:
    """Provide a session for one request."""
    with SessionLocal() as session:
        yield session


SessionDep = Annotated[Session, Depends(get_session)]


def check_key(session: SessionDep, key: Annotated[str, Security(APIKeyHeader(name="X-API-Key"))]) -> ApiKey:
    """Return the key of the request; 401 if it is unknown or inactive."""
    known = session.scalar(select(ApiKey).where(ApiKey.hash == key_hash(key), ApiKey.active))
    if known is None:
        raise HTTPException(401, "Invalid API key")
    return known


# Endpoints


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Create missing tables."""
    Base.metadata.create_all(engine)
    yield


app = FastAPI(title="Leads", lifespan=lifespan)


@app.get("/health")
def health() -> dict[str, str]:
    """Check that the service runs."""
    return {"status": "ok"}


@app.post("/leads", response_model=LeadOut, status_code=201, dependencies=[Depends(check_key)])
def create_lead(new: LeadIn, session: SessionDep) -> Lead:
    """Create a lead; 409 if its e-mail address exists."""
    lead = Lead(**new.model_dump(), status="new", history=[StatusChange(status="new")])
    session.add(lead)
    try:
        session.commit()
    except IntegrityError as error:
        session.rollback()
        raise HTTPException(409, "A lead with this e-mail address exists") from error
    session.refresh(lead)
    return lead


@app.get("/leads/{lead_id}", response_model=LeadOut, dependencies=[Depends(check_key)])
def read_lead(lead_id: int, session: SessionDep) -> Lead:
    """Return a lead; 404 if it does not exist."""
    lead = session.get(Lead, lead_id)
    if lead is None:
        raise HTTPException(404, "Lead not found")
    return lead


@app.get("/leads", response_model=LeadPage, dependencies=[Depends(check_key)])
def list_leads(
    session: SessionDep, limit: Annotated[int, Query(ge=1, le=200)] = 50, offset: Annotated[int, Query(ge=0)] = 0
) -> dict[str, Any]:
    """Return the newest leads."""
    newest_first = select(Lead).order_by(Lead.created_at.desc(), Lead.id.desc())
    return {"items": session.scalars(newest_first.offset(offset).limit(limit)).all()}
