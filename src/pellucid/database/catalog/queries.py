"""The few queries that read the catalog (PostgreSQL, chapter 53). The search path is pinned where they are asked, so the names of types
come out with their schema, as PostgREST has them."""

ROLES = """
select r.oid, r.rolname as name, r.rolsuper as superuser, r.rolname = current_user as login,
       pg_catalog.pg_has_role(current_user, r.oid, {right}) as takable,
       array(select held.oid from pg_catalog.pg_roles held
             where pg_catalog.pg_has_role(r.oid, held.oid, 'USAGE')) as held
from pg_catalog.pg_roles r
where r.rolname !~ '^pg_'
"""
"""``held`` are the roles whose rights a role has without further ado."""

SETTINGS = """
select r.rolname as role, split_part(pair, '=', 1) as name, substr(pair, strpos(pair, '=') + 1) as value
from pg_catalog.pg_db_role_setting s
join pg_catalog.pg_roles r on r.oid = s.setrole
cross join unnest(s.setconfig) as pair
left join pg_catalog.pg_settings known on known.name = split_part(pair, '=', 1)
where s.setdatabase in (0, (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database()))
  and split_part(pair, '=', 1) not in ('role', 'session_authorization')
  and (known.context = 'user'
       or known.name is null and strpos(split_part(pair, '=', 1), '.') > 0
       or pg_catalog.has_parameter_privilege(current_user, known.name, 'SET'))
order by r.rolname, name, s.setdatabase
"""
"""What a role sets for one database comes after what it sets for all, so the last one wins."""

SCHEMAS = """
select n.oid, n.nspname as name, coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))::text as acl,
       pg_catalog.obj_description(n.oid, 'pg_namespace') as comment
from pg_catalog.pg_namespace n
where n.nspname = any($1::text[])
"""

TABLES = """
select c.oid, c.relnamespace as schema, c.relname as name, c.relkind::text as kind, c.relrowsecurity as row_security,
       coalesce(c.relacl, pg_catalog.acldefault('r', c.relowner))::text as acl,
       array_to_string(c.reloptions, ',') as options,
       case when c.relkind in ('v', 'f') then pg_catalog.pg_relation_is_updatable(c.oid, true)
            when c.relkind = 'm' then 0 else 28 end as updatable,
       d.description as comment,
       array(select p.polname::text from pg_catalog.pg_policy p where p.polrelid = c.oid order by p.polname) as policies
from pg_catalog.pg_class c
left join pg_catalog.pg_description d
  on d.objoid = c.oid and d.objsubid = 0 and d.classoid = 'pg_catalog.pg_class'::regclass
where c.relnamespace = any($1::oid[]) and c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition
order by c.relnamespace, c.relname
"""

_COLUMNS = """
select a.attrelid as table, a.attnum as number, a.attacl::text as acl, a.attname as name, a.atttypid as type, a.atttypmod as modifier,
       pg_catalog.format_type(a.atttypid, a.atttypmod) as declared, a.attnotnull as required,
       a.atthasdef or type.typdefault is not null as filled,
       case when a.attgenerated = ''
            then coalesce(pg_catalog.pg_get_expr(own.adbin, own.adrelid), pg_catalog.pg_get_expr(type.typdefaultbin, 0)) end as default,
       a.attidentity::text as identity, a.attgenerated::text as generated, d.description as comment
from pg_catalog.pg_class c
join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
join pg_catalog.pg_type type on type.oid = a.atttypid
left join pg_catalog.pg_attrdef own on own.adrelid = a.attrelid and own.adnum = a.attnum
left join pg_catalog.pg_description d
  on d.objoid = c.oid and d.objsubid = a.attnum and d.classoid = 'pg_catalog.pg_class'::regclass
where {where}
order by a.attrelid, a.attnum
"""
COLUMNS = _COLUMNS.format(
    where="c.relnamespace = any($1::oid[]) and c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition"
)
ROWS = _COLUMNS.format(
    where="(c.reltype = any($1::oid[]) or c.reltype in (select d.typbasetype from pg_catalog.pg_type d where d.typtype = 'd'))"
)
"""The columns of the rows that functions answer with."""

KEYS = """
select con.conrelid as table, con.conname as name, con.contype::text as kind, con.conkey as columns,
       con.confrelid as target_oid, con.confkey as target_columns, con.conparentid <> 0 as inherited,
       target.relname as target, schema.nspname as target_schema,
       case when con.contype = 'f' and (target.relispartition or target.relnamespace <> all($1::oid[])) then
         array(select a.attname::text from unnest(con.confkey) with ordinality as k(number, place)
             join pg_catalog.pg_attribute a on a.attrelid = con.confrelid and a.attnum = k.number order by k.place)
       end as target_names
from pg_catalog.pg_constraint con
join pg_catalog.pg_class c on c.oid = con.conrelid
left join pg_catalog.pg_class target on target.oid = con.confrelid
left join pg_catalog.pg_namespace schema on schema.oid = target.relnamespace
where (c.relnamespace = any($1::oid[]) and not c.relispartition or c.oid = any($2::oid[]))
  and con.contype in ('p', 'u', 'f', 'c', 'x')
order by con.conrelid, con.conname
"""
"""Of the exposed tables, and of the others that views stand on. ``inherited`` are those that PostgreSQL makes by itself for partitions."""

HOOKED = """
with recursive hooked (oid) as (
  select t.tgrelid from pg_catalog.pg_trigger t where not t.tgisinternal
  union select r.ev_class from pg_catalog.pg_rewrite r where r.rulename <> '_RETURN'
  union select way.above from hooked join (
    select k.conrelid as below, k.confrelid as above from pg_catalog.pg_constraint k
    where k.contype = 'f' and (k.confdeltype in ('c', 'n', 'd') or k.confupdtype in ('c', 'n', 'd'))
    union all select i.inhrelid, i.inhparent from pg_catalog.pg_inherits i
  ) way on way.below = hooked.oid
)
select hooked.oid from hooked join pg_catalog.pg_class c on c.oid = hooked.oid where c.relnamespace = any($1::oid[]) order by hooked.oid
"""
"""Tables with triggers or rules that somebody wrote, and those whose writes reach them through foreign keys or partitions."""

TALKATIVE = r"""
with recursive own as (
  select p.oid from pg_catalog.pg_proc p join pg_catalog.pg_language l on l.oid = p.prolang
  where p.pronamespace = pg_catalog.to_regnamespace('auth') and p.proname in ('uid', 'role', 'jwt', 'email') and p.pronargs = 0
    and l.lanname = 'sql' and p.provolatile <> 'v' and p.prosqlbody is not null
    and pg_catalog.regexp_replace(pg_catalog.pg_get_function_sqlbody(p.oid), {claims}, '', 'g') !~ 'current_setting'
    and not exists (select from pg_catalog.pg_depend d where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid
                    and d.refclassid = 'pg_catalog.pg_proc'::regclass and d.refobjid not in (
                      select a.oid from pg_catalog.pg_proc a where a.pronamespace = p.pronamespace and a.pronargs = 0
                        and a.proname in ('uid', 'role', 'jwt', 'email')))
),
relation as (
  select c.oid, c.relkind from pg_catalog.pg_class c
  where c.relnamespace = any($1::oid[]) and c.relkind in ('r', 'p') and not c.relispartition
),
way (below, above) as (
  select k.conrelid, k.confrelid from pg_catalog.pg_constraint k
  where k.contype = 'f' and (k.confdeltype in ('c', 'n', 'd') or k.confupdtype in ('c', 'n', 'd'))
),
expression (relation, class, object, text) as (
  select polrelid, 'pg_catalog.pg_policy'::regclass, oid,
         pg_catalog.concat(pg_catalog.pg_get_expr(polqual, polrelid), ' ', pg_catalog.pg_get_expr(polwithcheck, polrelid))
  from pg_catalog.pg_policy
  union all select adrelid, 'pg_catalog.pg_attrdef'::regclass, oid, pg_catalog.pg_get_expr(adbin, adrelid) from pg_catalog.pg_attrdef
  union all select conrelid, 'pg_catalog.pg_constraint'::regclass, oid, pg_catalog.pg_get_expr(conbin, conrelid)
    from pg_catalog.pg_constraint where contype = 'c'
  union all select indrelid, 'pg_catalog.pg_class'::regclass, indexrelid,
         pg_catalog.concat(pg_catalog.pg_get_expr(indexprs, indrelid), ' ', pg_catalog.pg_get_expr(indpred, indrelid))
    from pg_catalog.pg_index where indexprs is not null or indpred is not null
),
called as (
  select e.relation, (pg_catalog.regexp_matches(e.text, '([a-z0-9_]+)[(]', 'g'))[1] as name
  from expression e where e.relation in (select oid from relation)
),
doubtful (name) as (
  select distinct p.proname::text from pg_catalog.pg_proc p
  where p.pronamespace = 'pg_catalog'::regnamespace and (p.provolatile = 'v' or p.proname ~ '_to_xml')
    and p.proname not in ('nextval', 'random', 'random_normal', 'gen_random_uuid', 'uuidv4', 'uuidv7', 'clock_timestamp', 'timeofday')
),
talkative (oid) as (
  select c.relation from called c join doubtful d on d.name = c.name
  union select e.relation from expression e where pg_catalog.regexp_replace(e.text, {claims}, '', 'g') ~ 'current_setting'
  union select e.relation from expression e join pg_catalog.pg_depend d on d.classid = e.class and d.objid = e.object
    left join pg_catalog.pg_proc f on d.refclassid = 'pg_catalog.pg_proc'::regclass and f.oid = d.refobjid
    left join pg_catalog.pg_operator o on d.refclassid = 'pg_catalog.pg_operator'::regclass and o.oid = d.refobjid
    left join pg_catalog.pg_class r on d.refclassid = 'pg_catalog.pg_class'::regclass and r.oid = d.refobjid and r.relkind <> 'S'
    left join pg_catalog.pg_type y on d.refclassid = 'pg_catalog.pg_type'::regclass and y.oid = d.refobjid and y.typtype <> 'e'
    where f.oid is not null and f.oid not in (select oid from own) or o.oid is not null or y.oid >= 16384
      or r.oid is not null and r.oid <> e.relation and r.oid not in (select oid from relation)
  union select a.attrelid from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid
    left join pg_catalog.pg_type element on element.oid = t.typelem and t.typcategory = 'A'
    where a.attnum > 0 and not a.attisdropped
      and (t.oid >= 16384 and t.typtype <> 'e' and t.typcategory <> 'A' or element.oid >= 16384 and element.typtype <> 'e')
  union select k.conrelid from pg_catalog.pg_constraint k where k.condeferrable
  union select k.confrelid from pg_catalog.pg_constraint k where k.condeferrable
  union select i.inhparent from pg_catalog.pg_inherits i
  union select way.above from way where way.below not in (select oid from relation)
  union select r.oid from relation r where r.relkind = 'p'
  union select beside.above from talkative t join (
      select d.refobjid as below, e.relation as above from pg_catalog.pg_depend d
        join expression e on e.class = d.classid and e.object = d.objid
        where d.refclassid = 'pg_catalog.pg_class'::regclass and d.classid = 'pg_catalog.pg_policy'::regclass
      union all select below, above from way) beside on beside.below = t.oid
)
select t.oid from talkative t join relation r on r.oid = t.oid order by t.oid
""".format(claims=r"'current_setting[(]''request[.]jwt[.]claims''::text(, true)?[)]'")
"""Tables whose policies, defaults, checks or indexes may look at more than the row, the claims and the role, or may leave something behind
in the session: they call a function that somebody wrote, a volatile one, or ``current_setting``; or they have a type that somebody wrote, a
constraint that can be deferred, or children. What a policy asks other tables counts too,
and so do the tables that a write reaches through foreign keys."""

RULES = """
select v.oid as view, r.ev_action::text as action,
       array(select distinct d.refobjid from pg_catalog.pg_depend d
             where d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = r.oid
               and d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid <> v.oid) as beneath
from pg_catalog.pg_class v
join pg_catalog.pg_rewrite r on r.ev_class = v.oid and r.ev_type = '1'
where v.relnamespace = any($1::oid[]) and v.relkind in ('v', 'm')
order by v.oid
"""
"""What views select, as PostgreSQL stores it."""

UNIQUE_INDEXES = """
select i.indrelid as table, (i.indkey::int2[])[0:i.indnkeyatts - 1] as columns, c.relname as name,
       i.indpred is null and i.indexprs is null as whole
from pg_catalog.pg_index i
join pg_catalog.pg_class t on t.oid = i.indrelid
join pg_catalog.pg_class c on c.oid = i.indexrelid
where t.relnamespace = any($1::oid[]) and i.indisunique and i.indisvalid and not t.relispartition
  and not exists (select from pg_catalog.pg_constraint con where con.conindid = i.indexrelid and con.contype in ('p', 'u'))
order by i.indexrelid
"""

TYPES = """
select t.oid, t.typname as name, pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(t.typname) as qualified,
       pg_catalog.format_type(t.oid, null) as declared,
       t.typtype::text as kind, t.typbasetype as base, t.typtypmod as modifier, t.typelem as element, t.typrelid as relation,
       c.relname as relation_name, n.nspname as schema,
       t.typnotnull as required, t.typcategory = 'A' and t.typlen = -1 as array,
       case when t.typtype = 'e'
            then array(select e.enumlabel::text from pg_catalog.pg_enum e where e.enumtypid = t.oid order by e.enumsortorder)
            else '{}' end as labels
from pg_catalog.pg_type t
join pg_catalog.pg_namespace n on n.oid = t.typnamespace
left join pg_catalog.pg_class c on c.oid = t.typrelid
where t.typtype in ('d', 'e', 'r', 'm', 'p') or t.typtype = 'b' and t.typcategory <> 'A'
   or t.oid = any($1::oid[]) or t.typarray = any($1::oid[])
   or exists (select from pg_catalog.pg_type d where d.typtype = 'd' and t.oid = d.typbasetype)
order by t.oid
"""
"""All but arrays and rows; of these, of which every table brings along one, only the wanted ones."""

ACLS = """
with acl as (
  select coalesce(c.relacl, pg_catalog.acldefault('r', c.relowner)) as acl
  from pg_catalog.pg_class c
  where c.relnamespace = any($1::oid[]) and c.relkind in ('r', 'p', 'v', 'm', 'f')
  union
  select a.attacl from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid
  where c.relnamespace = any($1::oid[]) and a.attacl is not null and a.attnum > 0
  union
  select coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner)) from pg_catalog.pg_namespace n where n.oid = any($1::oid[])
  union
  select coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner)) from pg_catalog.pg_proc p where p.pronamespace = any($1::oid[])
)
select acl.acl::text as acl, entry.grantee, lower(entry.privilege_type) as privilege
from acl cross join lateral pg_catalog.aclexplode(acl.acl) as entry
"""
"""Each access list once: thousands of tables have a handful of different ones."""

FUNCTIONS = """
select p.oid, p.pronamespace as schema, n.nspname as schema_name, p.proname as name,
       coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))::text as acl,
       p.proargnames as names, p.proargmodes::text[] as modes, p.pronargdefaults as defaults,
       coalesce(p.proallargtypes, p.proargtypes::oid[]) as types, p.prorettype as result,
       p.proretset as returns_set, not p.proretset or p.prorows = 1 as single, p.provolatile::text as volatility,
       p.proconfig as settings, d.description as comment,
       case when p.pronargs = 1 and argument.typtype = 'c' then argument.typrelid else 0 end as row,
       p.pronamespace = any($1::oid[]) as exposed
from pg_catalog.pg_proc p
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
left join pg_catalog.pg_type argument on argument.oid = p.proargtypes[0]
left join pg_catalog.pg_description d
  on d.objoid = p.oid and d.objsubid = 0 and d.classoid = 'pg_catalog.pg_proc'::regclass
where p.prokind = 'f' and p.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
  and (p.pronamespace = any($1::oid[])
       or p.pronamespace = any($2::oid[]) and p.pronargs = 1 and argument.typtype = 'c')
order by p.pronamespace, p.proname, p.oid
"""
"""Of the exposed schemas; of the extra ones those that take a row and nothing else, which ``row`` tells by its table."""

CASTS = """
select c.castsource as source, c.casttarget as target, n.nspname as schema, p.proname as name
from pg_catalog.pg_cast c
join pg_catalog.pg_proc p on p.oid = c.castfunc
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
join pg_catalog.pg_type source on source.oid = c.castsource
join pg_catalog.pg_type target on target.oid = c.casttarget
where c.castcontext = 'i' and c.castmethod = 'f' and pg_catalog.has_function_privilege(p.oid, 'execute')
  and (source.typtype = 'd' and c.casttarget = 'pg_catalog.json'::regtype
       or target.typtype = 'd' and c.castsource in ('pg_catalog.json'::regtype, 'pg_catalog.text'::regtype))
order by c.oid
"""
"""How domains are shown and read. PostgreSQL itself passes over casts of domains."""

AGGREGATES = """
select n.nspname as schema, p.proname as name, media.typname as media,
       case when argument.typtype = 'c' then argument.typname end as table, theirs.nspname as table_schema
from pg_catalog.pg_proc p
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
join pg_catalog.pg_type media on media.oid = p.prorettype and media.typtype = 'd'
join pg_catalog.pg_type argument on argument.oid = p.proargtypes[0]
join pg_catalog.pg_namespace theirs on theirs.oid = argument.typnamespace
left join pg_catalog.pg_class c on c.oid = argument.typrelid
where p.prokind = 'a' and p.pronamespace = any($1::oid[]) and p.pronargs = 1
  and (c.relkind in ('r', 'p', 'v', 'm', 'f') or argument.oid = 'pg_catalog.anyelement'::regtype)
order by pg_catalog.array_position($1::oid[], p.pronamespace), p.proname, p.oid
"""

EXTENSIONS = "select e.extname as name from pg_catalog.pg_extension e order by e.extname"

SHARED_MARK = """
select (select sum(pg_catalog.hashtextextended(r::text, 0)) from pg_catalog.pg_roles r) as roles,
       (select sum(pg_catalog.hashtextextended(m::text, 0)) from pg_catalog.pg_auth_members m) as members,
       (select sum(pg_catalog.hashtextextended(s::text, 0)) from pg_catalog.pg_db_role_setting s) as settings,
       (select count(*) = 2 from pg_catalog.pg_event_trigger
        where evtname in ('pellucid_ddl', 'pellucid_drop') and evtenabled in ('O', 'A')) as told
"""
"""Changes with what no event trigger sees: roles, memberships and settings, which belong to the whole cluster. ``told`` says whether the
event triggers tell everything else."""

LOCAL_MARK = """
with exposed as (select n.oid, n.xmin from pg_catalog.pg_namespace n where n.nspname = any($1::text[])),
seen as (select n.oid from pg_catalog.pg_namespace n where n.nspname = any($1::text[] || $2::text[])),
relation as (
  select c.oid, c.xmin from pg_catalog.pg_class c
  where c.relnamespace in (select oid from exposed) and c.relkind in ('r', 'p', 'v', 'm', 'f')
),
rule as (
  select r.oid, r.xmin from pg_catalog.pg_rewrite r join pg_catalog.pg_class v on v.oid = r.ev_class
  where v.relnamespace in (select oid from seen)
),
beneath as (
  select d.refobjid as oid from rule join pg_catalog.pg_depend d on d.objid = rule.oid
  where d.classid = 'pg_catalog.pg_rewrite'::regclass and d.refclassid = 'pg_catalog.pg_class'::regclass
),
function as (select p.xmin, p.prorettype from pg_catalog.pg_proc p where p.pronamespace in (select oid from seen)),
composite as (
  select c.oid, c.xmin from pg_catalog.pg_class c
  where c.oid >= 16384 and (c.relkind = 'c' or c.reltype in (select prorettype from function))
),
mark (part, number) as (
  select 1, xmin::text::bigint from exposed
  union all select 2, xmin::text::bigint from relation
  union all select 3, a.xmin::text::bigint from pg_catalog.pg_attribute a
    where a.attrelid in (select oid from relation union select oid from composite)
  union all select 4, k.xmin::text::bigint from pg_catalog.pg_constraint k
    where k.conrelid in (select oid from relation union select oid from beneath)
  union all select 5, p.xmin::text::bigint from relation join pg_catalog.pg_policy p on p.polrelid = relation.oid
  union all select 6, i.xmin::text::bigint from relation join pg_catalog.pg_index i on i.indrelid = relation.oid
  union all select 7, xmin::text::bigint from function
  union all select 8, d.xmin::text::bigint from pg_catalog.pg_description d
    where d.objoid >= 16384 or d.objoid in (select oid from exposed)
  union all select 9, t.xmin::text::bigint from pg_catalog.pg_type t where t.oid >= 16384 and t.typtype in ('d', 'e')
  union all select 10, e.xmin::text::bigint from pg_catalog.pg_enum e
  union all select 11, xmin::text::bigint from rule
  union all select 12, xmin::text::bigint from composite
  union all select 13, c.xmin::text::bigint from pg_catalog.pg_cast c where c.oid >= 16384
  union all select 14, x.xmin::text::bigint from pg_catalog.pg_extension x
  union all select 15, t.xmin::text::bigint from pg_catalog.pg_trigger t where not t.tgisinternal
)
select part, count(*), sum(number) from mark group by part order by part
"""
"""Changes with every change of the exposed schemas, and of what views and functions bring in from elsewhere. It is looked at again and
again where there are no event triggers."""
