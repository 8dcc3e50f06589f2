"""What the catalog of the data API does not tell: policies, grants one by one, owners, definers (PostgreSQL, chapter 53)."""

ROLES = """
select r.rolname as name, r.rolsuper as superuser, r.rolbypassrls as bypass,
       array(select held.rolname::text from pg_catalog.pg_roles held
             where pg_catalog.pg_has_role(r.oid, held.oid, 'USAGE') order by 1) as held,
       array(select held.rolname::text from pg_catalog.pg_roles held
             where held.oid <> r.oid and pg_catalog.pg_has_role(r.oid, held.oid, 'USAGE')
               and (held.rolsuper or held.rolname in ('pg_read_all_data', 'pg_write_all_data', 'pg_execute_server_program',
                                                      'pg_read_server_files', 'pg_write_server_files'))
             order by 1) as powers
from pg_catalog.pg_roles r
where r.rolname = any($1::text[])
order by array_position(array['anon', 'authenticated', 'service_role'], r.rolname::text), r.rolname
"""

TABLES = """
select n.nspname as schema, c.relname as name, pg_catalog.pg_get_userbyid(c.relowner)::text as owner, c.relforcerowsecurity as forced
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = any($1::text[]) and c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition
"""

POLICIES = """
select n.nspname as schema, c.relname as table, p.polname as name, p.polcmd::text as command, p.polpermissive as permissive,
       array(select coalesce(r.rolname, 'public')::text
             from unnest(p.polroles) with ordinality as named(oid, place) left join pg_catalog.pg_roles r on r.oid = named.oid
             order by named.place) as roles,
       pg_catalog.pg_get_expr(p.polqual, p.polrelid) as using, pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) as check
from pg_catalog.pg_policy p
join pg_catalog.pg_class c on c.oid = p.polrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = any($1::text[])
order by n.nspname, c.relname, p.polname
"""

GRANTS = """
with given as (
  select c.oid, acl.grantee, acl.privilege_type, null::text as column, 0 as place
  from pg_catalog.pg_class c
  cross join lateral pg_catalog.aclexplode(coalesce(c.relacl, pg_catalog.acldefault('r', c.relowner))) as acl
  where c.relkind in ('r', 'p', 'v', 'm', 'f')
  union all
  select a.attrelid, acl.grantee, acl.privilege_type, a.attname, a.attnum
  from pg_catalog.pg_attribute a cross join lateral pg_catalog.aclexplode(a.attacl) as acl
  where a.attnum > 0 and not a.attisdropped
)
select n.nspname as schema, c.relname as table, coalesce(r.rolname, 'public')::text as grantee, lower(given.privilege_type) as privilege,
       given.column
from given
join pg_catalog.pg_class c on c.oid = given.oid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
left join pg_catalog.pg_roles r on r.oid = given.grantee
where n.nspname = any($1::text[]) and given.privilege_type in ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
order by given.oid, given.place, grantee, privilege
"""

BENEATH = """
with recursive direct as (
  select distinct r.ev_class as view, d.refobjid as relation
  from pg_catalog.pg_rewrite r
  join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = r.oid
    and d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid <> r.ev_class
), reads as (
  select c.oid as view, direct.relation
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join direct on direct.view = c.oid
  where n.nspname = any($1::text[])
  union
  select reads.view, direct.relation from reads join direct on direct.view = reads.relation
)
select vn.nspname as schema, v.relname as view, tn.nspname as table_schema, t.relname as table, t.relrowsecurity as row_security
from reads
join pg_catalog.pg_class v on v.oid = reads.view join pg_catalog.pg_namespace vn on vn.oid = v.relnamespace
join pg_catalog.pg_class t on t.oid = reads.relation join pg_catalog.pg_namespace tn on tn.oid = t.relnamespace
where t.relkind in ('r', 'p', 'f')
order by 1, 2, 3, 4
"""
"""The tables under each view, however deep."""

INDEXES = """
select n.nspname as schema, c.relname as table,
       array(select a.attname::text from unnest((i.indkey::int2[])[0:i.indnkeyatts - 1]) with ordinality as k(number, place)
             join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = k.number order by k.place) as columns
from pg_catalog.pg_index i
join pg_catalog.pg_class c on c.oid = i.indrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = any($1::text[]) and i.indisvalid and i.indpred is null and i.indexprs is null
order by i.indexrelid
"""

ROUTINES = """
select n.nspname as schema, p.proname as name, pg_catalog.pg_get_function_identity_arguments(p.oid) as arguments,
       pg_catalog.pg_get_userbyid(p.proowner)::text as owner, l.lanname::text as language, p.prosecdef as definer,
       (select substr(setting, length('search_path=') + 1) from unnest(p.proconfig) as setting
        where setting like 'search\\_path=%') as path,
       p.prosqlbody is not null as fixed,
       n.nspname = any($1::text[]) and p.prokind = 'f'
         and p.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype) as exposed,
       array(select r.rolname::text from pg_catalog.pg_roles r
             where r.rolname = any($2::text[]) and pg_catalog.has_schema_privilege(r.oid, n.oid, 'USAGE')
               and pg_catalog.has_function_privilege(r.oid, p.oid, 'EXECUTE')
             order by array_position($2::text[], r.rolname::text)) as executable_by,
       e.extname::text as extension
from pg_catalog.pg_proc p
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
join pg_catalog.pg_language l on l.oid = p.prolang
left join pg_catalog.pg_depend d
  on d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
left join pg_catalog.pg_extension e on d.refclassid = 'pg_catalog.pg_extension'::regclass and e.oid = d.refobjid
where p.prokind in ('f', 'p') and (n.nspname = any($1::text[]) or p.prosecdef)
  and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
order by n.nspname, p.proname, arguments
"""

SEQUENCES = """
select n.nspname as schema, c.relname as name, tn.nspname as table_schema, t.relname as table, a.attname as column,
       coalesce(d.deptype = 'i', false) as identity,
       array(select r.rolname::text from pg_catalog.pg_roles r
             where r.rolname = any($2::text[]) and pg_catalog.has_sequence_privilege(r.oid, c.oid, 'USAGE')
             order by array_position($2::text[], r.rolname::text)) as usable_by,
       array(select r.rolname::text from pg_catalog.pg_roles r
             where r.rolname = any($2::text[]) and pg_catalog.has_sequence_privilege(r.oid, c.oid, 'UPDATE')
             order by array_position($2::text[], r.rolname::text)) as writable_by
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
left join pg_catalog.pg_depend d
  on d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.refclassid = 'pg_catalog.pg_class'::regclass
    and d.deptype in ('a', 'i')
left join pg_catalog.pg_class t on t.oid = d.refobjid
left join pg_catalog.pg_namespace tn on tn.oid = t.relnamespace
left join pg_catalog.pg_attribute a on a.attrelid = t.oid and a.attnum = d.refobjsubid
where n.nspname = any($1::text[]) and c.relkind = 'S'
order by n.nspname, c.relname
"""

EXTENSIONS = """
select e.extname as name, n.nspname as schema, e.extrelocatable as movable
from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace
where n.nspname = any($1::text[])
order by e.extname
"""

FUTURES = """
select pg_catalog.pg_get_userbyid(d.defaclrole)::text as owner, n.nspname::text as schema, coalesce(r.rolname, 'public')::text as grantee
from pg_catalog.pg_default_acl d
cross join lateral pg_catalog.aclexplode(d.defaclacl) as acl
left join pg_catalog.pg_namespace n on n.oid = d.defaclnamespace
left join pg_catalog.pg_roles r on r.oid = acl.grantee
where d.defaclobjtype = 'r' and (d.defaclnamespace = 0 or n.nspname = any($1::text[]))
  and (acl.grantee = 0 or r.rolname = any($2::text[])) and acl.grantee <> d.defaclrole
group by 1, 2, 3
order by 1, 2, 3
"""

SCHEMAS = """
select n.nspname as schema, r.rolname as role, pg_catalog.has_schema_privilege(r.oid, n.oid, 'USAGE') as usable,
       pg_catalog.has_schema_privilege(r.oid, n.oid, 'CREATE') as creator
from pg_catalog.pg_namespace n cross join pg_catalog.pg_roles r
where n.nspname = any($1::text[]) and r.rolname = any($2::text[])
order by n.nspname, array_position($2::text[], r.rolname::text)
"""

KNOWN = "select array_agg(nspname::text) from pg_catalog.pg_namespace"

ACCOUNTS = "select pg_catalog.to_regprocedure('auth.uid()') is not null"
