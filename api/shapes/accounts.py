"""Accounts, logins, passwords, sessions, invitations."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.shapes.common import NAMES_SOMETHING, Email, Id, Instant, Name, Password, Shape, Token
from frostguard.domain.access import Action, Role

FullName = Annotated[str, StringConstraints(max_length=200)]


class Registration(Shape):
    """Who wants an account, and with `organizationName` an organization to own."""

    email: Email
    password: Password
    full_name: FullName | None = None
    organization_name: Name | None = None


class Registered(Shape):
    """The same whether the address was free or not: its owner reads more in a mail."""

    status: Literal["ok"]
    verification_required: bool


class TokenOnly(Shape):
    """A token from a mail."""

    token: Token


class EmailOnly(Shape):
    """An address to send a mail to, if it has an account."""

    email: Email


class Login(Shape):
    """An address and its password."""

    email: Email
    password: Password


class Tokens(BaseModel):
    """As OAuth 2.0 writes them."""

    model_config = ConfigDict(extra="forbid")

    access_token: str
    refresh_token: str
    token_type: Literal["Bearer"]
    expires_in: int


class Refresh(BaseModel):
    """The refresh token of the last login or refresh. It counts once."""

    model_config = ConfigDict(extra="forbid", strict=True)

    refresh_token: Token


class NotificationPreferences(Shape):
    """By which channels a user wants to hear."""

    push: bool
    email: bool
    sms: bool


class Membership(Shape):
    """One organization of the user."""

    organization_id: Id
    organization_name: str
    slug: str
    role: Role


class Me(Shape):
    """The signed-in user. `role` and `permissions` are those in `organizationId`, the organization last chosen."""

    id: Id
    email: str
    email_verified: bool
    full_name: str | None
    phone: str | None
    avatar_url: str | None
    notification_preferences: NotificationPreferences
    organization_id: Id | None
    role: Role | None
    permissions: list[Action]
    memberships: list[Membership]
    created_at: Instant


class ProfileChange(Shape):
    """What users change of themselves. What is left out stays."""

    model_config = NAMES_SOMETHING

    full_name: FullName | None = None
    phone: Annotated[str, StringConstraints(max_length=50)] | None = None
    avatar_url: Annotated[str, StringConstraints(max_length=1000, pattern=r"^https://[!-~]+$")] | None = None
    notification_preferences: NotificationPreferences = Field(
        default=NotificationPreferences.model_construct(push=True, email=True, sms=False)
    )


class OrganizationChoice(Shape):
    """The organization to work in."""

    organization_id: Id


class Session(Shape):
    """One login on one device."""

    id: Id
    created_at: Instant
    last_used_at: Instant
    expires_at: Instant
    address: str | None
    user_agent: str | None
    current: bool


class Ended(Shape):
    """How many sessions were ended."""

    status: Literal["ok"]
    sessions: int


class PasswordChange(Shape):
    """The password of now and the one to come."""

    current_password: Password
    new_password: Password


class PasswordReset(Shape):
    """The token of the mail and the new password."""

    token: Token
    password: Password


class PasswordOnly(Shape):
    """The password once more, because this cannot be undone."""

    password: Password


class InvitationRequest(Shape):
    """Whom to invite, as what."""

    email: Email
    role: Role


class Invitation(Shape):
    """An invitation that may still be accepted. Its token is in the mail and nowhere else."""

    id: Id
    email: str
    role: Role
    created_at: Instant
    expires_at: Instant
    invited_by: Id | None
    invited_by_name: str | None


class InvitationPreview(Shape):
    """What the holder of a token is invited to."""

    organization_id: Id
    organization_name: str
    email: str
    role: Role
    expires_at: Instant
    account_exists: bool


class Acceptance(Shape):
    """The token; and the new account's password and name, where the address has no account yet."""

    token: Token
    password: Password | None = None
    full_name: FullName | None = None


class Accepted(Shape):
    """The membership that came of it."""

    organization_id: Id
    user_id: Id
    role: Role


class Member(Shape):
    """Somebody who belongs to the organization."""

    user_id: Id
    email: str | None
    full_name: str | None
    avatar_url: str | None
    role: Role
    disabled: bool
    created_at: Instant
    updated_at: Instant


class RoleChange(Shape):
    """The role to give."""

    role: Role


class Handover(Shape):
    """Who becomes the owner, and the present owner's password."""

    user_id: Id
    password: Password
