"""Accounts, logins, passwords, invitations to accept."""

from api.handlers import accounts, members, passwords, sessions
from api.routing import Gate, Limit, Route, Unaudited
from api.shapes import accounts as a
from api.shapes import common as c

PUBLIC, SIGNED_IN = Gate.PUBLIC, Gate.SIGNED_IN
OFTEN, SELDOM = Limit(60), Limit(20)

# fmt: off
ROUTES: tuple[Route, ...] = (
    Route(
        "POST", "/auth/register", accounts.register, PUBLIC, "Make an account, and with a name an organization",
        a.Registered, a.Registration, status=201, limit=SELDOM, refusals=(403,), audit="account.registered",
    ),
    Route(
        "POST", "/auth/verify", accounts.verify_email, PUBLIC, "Confirm an address with the token of the mail",
        c.Done, a.TokenOnly, limit=SELDOM, settles=True, audit="account.verified",
    ),
    Route(
        "POST", "/auth/verify/resend", accounts.resend_verification, PUBLIC, "Mail that token again",
        c.Done, a.EmailOnly, status=202, limit=SELDOM, audit=Unaudited("a mail is sent, nothing changes"),
    ),
    Route(
        "POST", "/auth/login", sessions.login, PUBLIC, "Sign in",
        a.Tokens, a.Login, refusals=(401, 429), audit="session.opened",
    ),
    Route(
        "POST", "/auth/refresh", sessions.refresh, PUBLIC, "Renew a login; the token counts once",
        a.Tokens, a.Refresh, refusals=(401,), limit=OFTEN,
        audit=Unaudited("a session goes on; the reuse of a token is logged as session.refresh_reused"),
    ),
    Route("POST", "/auth/logout", sessions.logout, SIGNED_IN, "Sign out", c.Done, settles=True, audit="session.closed"),
    Route("GET", "/auth/me", accounts.me, SIGNED_IN, "The signed-in user", a.Me),
    Route(
        "PATCH", "/auth/me", accounts.change_profile, SIGNED_IN, "Change one's profile",
        a.Me, a.ProfileChange, audit="profile.updated",
    ),
    Route(
        "PUT", "/auth/organization", accounts.choose_organization, SIGNED_IN, "Choose the organization to work in",
        c.Done, a.OrganizationChoice, refusals=(404,), settles=True,
        audit=Unaudited("a preference of one's own, which opens nothing"),
    ),
    Route("GET", "/auth/sessions", sessions.list_sessions, SIGNED_IN, "One's sessions", list[a.Session]),
    Route(
        "DELETE", "/auth/sessions", sessions.end_other_sessions, SIGNED_IN, "End all one's other sessions",
        a.Ended, settles=True, audit="session.others_revoked",
    ),
    Route(
        "DELETE", "/auth/sessions/{sessionId}", sessions.end_session, SIGNED_IN, "End one of one's sessions",
        c.Done, settles=True, audit="session.revoked",
    ),
    Route(
        "PUT", "/auth/password", passwords.change, SIGNED_IN, "Change one's password; all other sessions end",
        a.Ended, a.PasswordChange, refusals=(403, 429), settles=True, audit="account.password_changed",
    ),
    Route(
        "POST", "/auth/password/forgot", passwords.forgot, PUBLIC, "Ask for a mail with a link to a new password",
        c.Done, a.EmailOnly, status=202, limit=SELDOM,
        audit=Unaudited("the entry account.reset_requested is written behind the answer, where there is an account"),
    ),
    Route(
        "POST", "/auth/password/reset", passwords.reset, PUBLIC, "Set a new password with the token of the mail",
        c.Done, a.PasswordReset, limit=SELDOM, settles=True, audit="account.password_reset",
    ),
    Route(
        "DELETE", "/account", accounts.close, SIGNED_IN, "Close one's account for good",
        c.Done, a.PasswordOnly, refusals=(403, 409, 429), settles=True, audit="account.closed",
    ),
    Route(
        "POST", "/invitations/preview", members.preview, PUBLIC, "What a token invites to",
        a.InvitationPreview, a.TokenOnly, limit=SELDOM, audit=Unaudited("reads only; the token must not be in a path"),
    ),
    Route(
        "POST", "/invitations/accept", members.accept, PUBLIC, "Join an organization",
        a.Accepted, a.Acceptance, status=201, refusals=(401, 403, 409), limit=SELDOM, settles=True,
        audit="invitation.accepted",
    ),
)
