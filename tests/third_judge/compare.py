"""What is compared: each question to z3 beside the field of the analyzer's answer that says the same."""

from dataclasses import dataclass
from typing import Any, Callable, Iterator

from ask import Found, Judge
from fragment import moment


@dataclass
class Question:
    kind: str
    name: str
    answer: bool
    undecided: bool
    ask: Callable[[bool], Found]

    def compared(self) -> tuple[str, dict[str, Any] | None]:
        """open or closed where both say so; "not said" where AWS's texts leave it to the analyzer;
        "undecided" where the analyzer says that it counts as open what it could not decide."""
        strict = self.ask(False)
        if strict.open:
            return ("open", None) if self.answer else ("z3 open", strict.request)
        if not self.answer:
            return "closed", None
        if self.ask(True).open:
            return "not said", None
        return ("undecided" if self.undecided else "z3 closed"), None


def questions(judge: Judge, answer: dict[str, Any]) -> Iterator[Question]:
    document = judge.document
    external = undecided(answer, {"service", "any_service", "federated"}, among=False)
    yield Question("public", "public", answer["public"], external, judge.public)
    unnamed = bool(
        answer["public"]
        or answer["any_account_from_network"]
        or answer["unknown_account"]
        or answer["organizations"]
    )
    yield Question("unnamed account", "an account that is not named", unnamed, external, judge.unnamed_account)
    for account in document.accounts():
        # A text that looks like an account's id is one where nobody else fits.
        if account == judge.setting.account or (unnamed and not document.is_named_as_account(account)):
            continue
        else:
            yield Question(
                "named account",
                f"account {account}",
                account in answer["external_accounts"],
                external,
                lambda liberal, account=account: judge.account(account, liberal),
            )
    for service in document.principals("Service"):
        yield Question(
            "service",
            f"service {service}",
            service in answer["services"],
            undecided(answer, {"service", "any_service"}),
            lambda liberal, service=service: judge.service(service, liberal),
        )
    for provider in document.principals("Federated"):
        yield Question(
            "provider",
            f"provider {provider}",
            provider in answer["federated"],
            undecided(answer, {"federated"}),
            lambda liberal, provider=provider: judge.provider(provider, liberal),
        )


def undecided(answer: dict[str, Any], kinds: set[str], among: bool = True) -> bool:
    """Whether the analyzer says of a grant to such a principal that it was not decided."""
    return any(
        not grant["decided"] and (grant["principal"]["kind"] in kinds) == among for grant in answer["grants"]
    )
