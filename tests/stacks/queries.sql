-- What keeps a backend of postgres busy in many places: sorts, hashes, text, numbers. For pgbench, see truth.sh.
select sum(length(md5(aid::text))) from pgbench_accounts where aid between 1 and 20000;
select count(*) from (select aid, regexp_replace(filler || aid::text, '[0-9]', 'x', 'g') as t from pgbench_accounts where aid < 3000 order by t) s;
select bid, sum(abalance::numeric * 1.5), string_agg(tid::text, ',') from pgbench_tellers join pgbench_accounts using (bid) where aid < 2000 group by bid;
select count(*) from generate_series(1, 5000) a join generate_series(1, 5000) b on a = b where a::text like '%7%';
