-- depends: 0004.accounts
-- Letters that wait to be mailed. A letter is written in the transaction that causes it, claimed by whichever API process
-- is first, and removed when it was sent: what was committed is sent, also after a crash.

create table letters (
  id bigint generated always as identity primary key,
  -- A token in a letter is made of this and of a secret that no table holds: the same at every try, and of no use to
  -- who reads the table.
  seed uuid not null default gen_random_uuid(),
  kind text not null check (kind in
    ('verify', 'account_exists', 'reset', 'password_changed', 'session_ended', 'invitation')),
  recipient text not null check (length(recipient) between 3 and 254),
  invitation_id uuid references invitations (id) on delete cascade,
  request_id text check (length(request_id) <= 64),
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,            -- who got no letter until then gets none
  due_at timestamptz not null default now(),  -- the next try; while one is being sent: when another may take it
  tries integer not null default 0,
  check ((kind = 'invitation') = (invitation_id is not null))
);
create index letters_due on letters (due_at, id);
create index letters_invitation on letters (invitation_id) where invitation_id is not null;
