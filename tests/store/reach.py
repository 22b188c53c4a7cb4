"""Which SQL statements a program can reach: from its imports of the store, along the functions that use each other."""

import ast
from collections import defaultdict
from pathlib import Path

import frostguard
from tests.store.test_statements import STATEMENTS

ROOT = Path(frostguard.__file__).parent.parent
STORE = ROOT / "frostguard" / "store"
Name = tuple[str, str]  # module of the store, name in it


def imports(tree: ast.AST) -> tuple[dict[str, str], dict[str, Name]]:
    """What a module calls the store's modules, and names that it took out of them."""
    modules: dict[str, str] = {}
    names: dict[str, Name] = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("frostguard.store"):
            continue
        for alias in node.names:
            called = alias.asname or alias.name
            if node.module == "frostguard.store":
                modules[called] = alias.name
            else:
                names[called] = (node.module.rpartition(".")[2], alias.name)
    return modules, names


def uses(node: ast.AST, modules: dict[str, str], names: dict[str, Name]) -> set[Name]:
    """The names of the store that are read below a node."""
    found = set()
    for each in ast.walk(node):
        if isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name) and each.value.id in modules:
            found.add((modules[each.value.id], each.attr))
        elif isinstance(each, ast.Name) and each.id in names:
            found.add(names[each.id])
    return found


def graph() -> dict[Name, set[Name]]:
    """Each top-level name of the store, and those that it uses."""
    edges: dict[Name, set[Name]] = defaultdict(set)
    for path in STORE.glob("*.py"):
        tree = ast.parse(path.read_text())
        modules, names = imports(tree)
        own = {
            target.id if isinstance(target, ast.Name) else target.name: (path.stem, "")
            for node in tree.body
            for target in (node.targets if isinstance(node, ast.Assign) else [node])
            if isinstance(target, ast.Name | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        }
        names = {name: (path.stem, name) for name in own} | names
        for node in tree.body:
            for target in node.targets if isinstance(node, ast.Assign) else [node]:
                name = target.id if isinstance(target, ast.Name) else getattr(target, "name", None)
                if name is not None:
                    edges[path.stem, name] |= uses(node, modules, names)
    return edges


def reached(*programs: str) -> dict[str, str]:
    """`module.NAME` -> SQL of the statements that the programs can run."""
    edges = graph()
    todo = set()
    for program in programs:
        for path in (ROOT / program).rglob("*.py"):
            tree = ast.parse(path.read_text())
            todo |= uses(tree, *imports(tree))
    seen: set[Name] = set()
    while todo:
        one = todo.pop()
        seen.add(one)
        todo |= edges[one] - seen
    return {
        f"{module}.{name}": STATEMENTS[f"{module}.{name}"] for module, name in seen if f"{module}.{name}" in STATEMENTS
    }
