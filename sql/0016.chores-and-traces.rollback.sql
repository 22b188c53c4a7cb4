delete from role_grants where relation = 'chores';
drop table chores;
alter table http_inbox drop column traceparent;
