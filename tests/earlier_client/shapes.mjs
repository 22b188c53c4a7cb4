// Checks JSON against the types of types.d.ts at run time: the compiler parses the file, this walks its type nodes.
import { readFileSync } from 'node:fs';
import ts from 'typescript';

const source = ts.createSourceFile('types.d.ts', readFileSync('types.d.ts', 'utf8'), ts.ScriptTarget.ES2022, true);
const declared = new Map(source.statements.map((each) => [each.name.text, each]));

const TEXTS = {
  Uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  Timestamp: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/,
};

// The complaints about a value that should be of the type of this node.
function check(node, value, path) {
  switch (node.kind) {
    case ts.SyntaxKind.StringKeyword:
    case ts.SyntaxKind.NumberKeyword:
    case ts.SyntaxKind.BooleanKeyword:
      return typeof value === node.getText() ? [] : [`${path}: ${JSON.stringify(value)} is no ${node.getText()}`];
    case ts.SyntaxKind.LiteralType: {
      const same = node.getText() === (value === null ? 'null' : `'${value}'`);
      return same ? [] : [`${path}: ${JSON.stringify(value)} is not ${node.getText()}`];
    }
    case ts.SyntaxKind.UnionType: {
      const fits = node.types.some((each) => check(each, value, path).length === 0);
      return fits ? [] : [`${path}: ${JSON.stringify(value)} is not ${node.getText()}`];
    }
    case ts.SyntaxKind.TypeReference:
      return checkNamed(node.getText(), value, path);
    default:
      throw new Error(`types.d.ts says more than this understands: ${node.getText()}`);
  }
}

function checkNamed(name, value, path) {
  if (name in TEXTS) {
    const fits = typeof value === 'string' && TEXTS[name].test(value) && (name === 'Uuid' || !isNaN(Date.parse(value)));
    return fits ? [] : [`${path}: ${JSON.stringify(value)} is no ${name}`];
  }
  const found = declared.get(name);
  if (ts.isTypeAliasDeclaration(found)) return check(found.type, value, path);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${path}: no object`];
  return found.members.flatMap((member) => {
    const key = member.name.text;
    if (!(key in value)) return member.questionToken ? [] : [`${path}.${key}: missing`];
    return check(member.type, value[key], `${path}.${key}`);
  });
}

// Throws unless the value is of the type: `Unit`, or `Unit[]` for an array of them.
export function mustBe(type, value) {
  const name = type.replace('[]', '');
  if (!declared.has(name)) throw new Error(`no type ${name}`);
  let complaints;
  if (name === type) complaints = checkNamed(name, value, name);
  else if (Array.isArray(value)) complaints = value.flatMap((each, n) => checkNamed(name, each, `${name}[${n}]`));
  else complaints = [`${type}: no array`];
  if (complaints.length) throw new Error(complaints.slice(0, 10).join('; '));
  return value;
}
