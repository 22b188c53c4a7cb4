-- depends: 0002.readings
-- Who may come in, what they change, and what was changed: settings, sessions, invitations, the audit log.

-- What a level of the cascade overrides: setting name -> number. Absent = inherited; a unit's low and high are its
-- temp_min and temp_max.
alter table organizations add column settings jsonb not null default '{}' check (jsonb_typeof(settings) = 'object');
alter table sites add column settings jsonb not null default '{}' check (jsonb_typeof(settings) = 'object');
alter table units add column settings jsonb not null default '{}' check (jsonb_typeof(settings) = 'object');

-- One login on one device. Its refresh tokens are a family: one that is used twice ends the session.
create table sessions (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references users (id) on delete cascade,
  created_at timestamptz not null default now(),
  last_used_at timestamptz not null default now(),
  expires_at timestamptz not null, -- however often it is refreshed
  address inet,
  user_agent text check (length(user_agent) <= 300),
  revoked_at timestamptz,
  revoked_because text check (length(revoked_because) <= 50)
);
create index sessions_user on sessions (user_id, last_used_at desc);

create table refresh_tokens (
  hash bytea primary key check (length(hash) = 32), -- SHA-256: the token has 256 random bits
  session_id uuid not null references sessions (id) on delete cascade,
  issued_at timestamptz not null default now(),
  expires_at timestamptz not null,
  used_at timestamptz,
  successor bytea,    -- what was given out for it
  reissued_at timestamptz -- when its answer was lost and it was answered once more
);
create index refresh_tokens_session on refresh_tokens (session_id);

-- Links in mails: verify an address, set a new password.
create table email_tokens (
  hash bytea primary key check (length(hash) = 32),
  user_id uuid not null references users (id) on delete cascade,
  purpose text not null check (purpose in ('verify', 'reset')),
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  used_at timestamptz
);
create index email_tokens_user on email_tokens (user_id, purpose);

create table invitations (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid not null references organizations (id) on delete cascade,
  email text not null check (email = lower(email) and length(email) between 3 and 254),
  role app_role not null check (role <> 'owner'), -- ownership is handed over, not mailed
  token_hash bytea not null unique check (length(token_hash) = 32),
  invited_by uuid references users (id) on delete set null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  accepted_at timestamptz,
  accepted_by uuid references users (id) on delete set null,
  revoked_at timestamptz
);
create unique index invitations_open on invitations (organization_id, email)
  where accepted_at is null and revoked_at is null;

-- Failed logins by account and address. The account is a hash, known or not: a name that does not exist looks the same.
create table login_failures (
  account bytea not null check (length(account) = 32),
  address inet not null,
  failures integer not null default 1,
  last_at timestamptz not null default now(),
  primary key (account, address)
);
create index login_failures_last on login_failures (last_at);

-- Every API process that may hold access in memory, and until when (by this server's clock) it may trust that.
create table api_processes (
  id uuid primary key,
  trusts_until timestamptz not null
);

-- What people and operators changed. `chain` is the organization, or all zeros for what belongs to none.
-- hash = SHA-256 over prev_hash and the entry's fields as a JSON array (audit_append), so a changed, missing or inserted
-- entry shows.
create table audit_log (
  chain uuid not null,
  n bigint not null,
  at timestamptz not null,
  actor_id uuid,           -- the user; null = not a signed-in user
  actor text not null,     -- user, gateway, operator, anonymous
  action text not null check (length(action) <= 100),
  object_type text not null check (length(object_type) <= 50),
  object_id uuid,
  old_values text,         -- JSON; null = there was nothing before
  new_values text,         -- JSON; null = there is nothing after
  reason text check (length(reason) <= 500),
  request_id text check (length(request_id) <= 64),
  prev_hash bytea not null,
  hash bytea not null,
  primary key (chain, n)
);
create index audit_log_object on audit_log (object_id, chain, n desc); -- not chain first: audit_append must not take it

-- Microseconds since 1970. Really immutable, unlike to_char, so that calls are inlined.
create function audit_instant(value timestamptz) returns bigint language sql immutable parallel safe as $$
  select (extract(epoch from value at time zone 'UTC') * 1000000)::bigint
$$;

-- Adds one entry to an organization's chain and returns its number. Serialised per chain until the transaction ends.
create function audit_append(
  organization uuid, actor_id uuid, actor text, action text, object_type text, object_id uuid,
  old_values text, new_values text, reason text, request_id text
) returns bigint language plpgsql
-- The plan that looks up the newest entry is made while the log is small, and must still be right when it is large.
set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
  chain_id constant uuid := coalesce(organization, '00000000-0000-0000-0000-000000000000');
  last_n bigint;
  last_hash bytea;
  moment timestamptz;
  entry_hash bytea;
begin
  perform pg_advisory_xact_lock(hashtextextended(chain_id::text, 1181169013));
  select a.n, a.hash into last_n, last_hash from audit_log a where a.chain = chain_id order by a.n desc limit 1;
  last_n := coalesce(last_n, 0) + 1;
  last_hash := coalesce(last_hash, ''::bytea);
  moment := clock_timestamp();
  entry_hash := sha256(last_hash || convert_to(json_build_array(
    chain_id, last_n, audit_instant(moment), actor_id, actor, action, object_type, object_id, old_values, new_values,
    reason, request_id)::text, 'UTF8'));
  insert into audit_log (chain, n, at, actor_id, actor, action, object_type, object_id, old_values, new_values, reason,
                         request_id, prev_hash, hash)
  values (chain_id, last_n, moment, actor_id, actor, action, object_type, object_id, old_values, new_values, reason,
          request_id, last_hash, entry_hash);
  return last_n;
end $$;

create function audit_is_append_only() returns trigger language plpgsql as $$
begin
  raise exception 'the audit log is append-only' using errcode = 'insufficient_privilege';
end $$;

create trigger append_only before update or delete or truncate on audit_log
  for each statement execute function audit_is_append_only();

-- Tells every API process what it may no longer believe. In the transaction that made it so, whoever made it.
create function notify_access() returns trigger language plpgsql as $$
begin
  perform pg_notify('access', case tg_table_name
    when 'sessions' then 'session:' || old.id
    when 'organizations' then 'organization:' || old.id
    when 'gateways' then 'gateway:' || old.id
    else 'user:' || old.id end);
  return null;
end $$;

create function notify_membership() returns trigger language plpgsql as $$
begin
  perform pg_notify('access', 'user:' || coalesce(new.user_id, old.user_id));
  return null;
end $$;

create trigger access after update of revoked_at on sessions for each row
  when (old.revoked_at is distinct from new.revoked_at) execute function notify_access();
create trigger access_deleted after delete on sessions for each row execute function notify_access();
create trigger access after update of disabled_at, email_verified_at, email on users for each row
  when (old.disabled_at is distinct from new.disabled_at or old.email is distinct from new.email
     or old.email_verified_at is distinct from new.email_verified_at) execute function notify_access();
create trigger access_deleted after delete on users for each row execute function notify_access();
create trigger access after update of deleted_at on organizations for each row
  when (old.deleted_at is distinct from new.deleted_at) execute function notify_access();
create trigger access after update of password_hash, deleted_at on gateways for each row
  when (old.password_hash is distinct from new.password_hash or old.deleted_at is distinct from new.deleted_at)
  execute function notify_access();
create trigger access_deleted after delete on gateways for each row execute function notify_access();
create trigger access after update of organization_id on profiles for each row
  when (old.organization_id is distinct from new.organization_id) execute function notify_membership();
create trigger access after insert or update or delete on user_roles for each row execute function notify_membership();

-- Whatever else fails, an organization keeps an owner while it lives. Checked when the transaction ends, so that
-- ownership can be handed over in two steps.
create function organization_keeps_an_owner() returns trigger language plpgsql as $$
begin
  if old.role <> 'owner' then
    return null;
  end if;
  -- The lock makes two owners who demote each other wait: the second sees what the first did.
  perform from organizations o where o.id = old.organization_id and o.deleted_at is null for no key update;
  if found and not exists (select from user_roles r where r.organization_id = old.organization_id and r.role = 'owner') then
    raise exception 'an organization needs an owner' using errcode = '23514', constraint = 'organization_owner';
  end if;
  return null;
end $$;

create constraint trigger owner after update of role or delete on user_roles deferrable initially deferred
  for each row execute function organization_keeps_an_owner();
