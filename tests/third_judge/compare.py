"""What is compared: each question to z3 beside the field of the analyzer's answer that says the same."""

from dataclasses import dataclass
from typing import Any, Callable, Iterator

from ask import Found, Judge


@dataclass
class Question:
    kind: str
    name: str
    answer: bool
    undecided: bool
    ask: Callable[[bool], Found]
    ask_by_name: Callable[[], Found] | None = None

    def compared(self) -> tuple[str, dict[str, Any] | None]:
        """open or closed where both say so; "as anyone" for an account that is not listed beside all
        those that are not named; "not said" where AWS's texts leave it to the analyzer;
        "undecided" where the analyzer says that it counts as open what it could not decide."""
        strict = self.ask(False)
        if strict.open and not self.answer and self.ask_by_name and not self.ask_by_name().open:
            return "as anyone", None
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
    by_name = Judge(document.without_everyone(), judge.setting, judge.limit)
    for account in document.accounts():
        if account != judge.setting.account:
            yield Question(
                "named account",
                f"account {account}",
                account in answer["external_accounts"],
                external,
                lambda liberal, account=account: judge.account(account, liberal),
                # Where accounts get in without being named, those that do so like them need not be listed.
                (lambda account=account: by_name.account(account, False)) if unnamed else None,
            )
    services = undecided(answer, {"service", "any_service"})
    # Beside a public grant the analyzer does not say that services get in as well.
    everyone = answer["any_service"] or answer["public"]
    if answer["any_service"] or not answer["public"]:
        yield Question(
            "any service",
            "a service that is not named",
            answer["any_service"],
            services,
            lambda liberal: judge.service(None, liberal),
        )
    for service in document.principals("Service"):
        yield Question(
            "service",
            f"service {service}",
            service in answer["services"],
            services,
            lambda liberal, service=service: judge.service(service, liberal),
            (lambda service=service: by_name.service(service, False)) if everyone else None,
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
