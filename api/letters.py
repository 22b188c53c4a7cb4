"""The texts of the mails. Tokens stand behind `#`, which no browser sends to any server."""

from api.mail import Mail


class Letters:
    """Writes for the frontend at `public_url`."""

    def __init__(self, public_url: str) -> None:
        self._url = public_url.rstrip("/")

    def verify(self, to: str, token: str) -> Mail:
        """Ask whether the address is the user's."""
        return Mail(
            to,
            "Confirm your e-mail address",
            f"Welcome to FrostGuard.\n\nConfirm this address within 24 hours:\n{self._url}/verify#token={token}\n\n"
            "If you did not ask for an account, ignore this mail.\n",
        )

    def account_exists(self, to: str) -> Mail:
        """Tell who registers twice (or is registered by somebody else) that there is an account."""
        return Mail(
            to,
            "You already have an account",
            "Somebody, probably you, asked for a FrostGuard account with this address. There is one already.\n\n"
            f"Sign in at {self._url}/login, or set a new password at {self._url}/forgot-password.\n",
        )

    def reset(self, to: str, token: str) -> Mail:
        """Hand out the link to a new password."""
        return Mail(
            to,
            "Set a new password",
            f"Set a new password within 10 minutes:\n{self._url}/reset-password#token={token}\n\n"
            "If you did not ask for this, ignore this mail: nothing has changed.\n",
        )

    def password_changed(self, to: str) -> Mail:
        """Tell that the password is another now."""
        return Mail(
            to,
            "Your password was changed",
            "Your FrostGuard password was changed, and all other devices were signed out.\n\n"
            f"If that was not you, set a new password now: {self._url}/forgot-password\n",
        )

    def session_ended(self, to: str) -> Mail:
        """Tell that a stolen or copied session was ended."""
        return Mail(
            to,
            "A login was ended for safety",
            "A login of your FrostGuard account was renewed twice with the same token, which happens when it was "
            "copied. We ended it. Sign in again, and change your password if you cannot explain this.\n",
        )

    def invitation(self, to: str, organization: str, token: str) -> Mail:
        """Invite somebody."""
        name = " ".join(organization.split())
        return Mail(
            to,
            f"Join {name} on FrostGuard",
            f"You are invited to join {name}. Accept within 7 days:\n{self._url}/invitation#token={token}\n",
        )
