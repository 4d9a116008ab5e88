
say() { printf '%s  %s\n' "$(date '+%H:%M:%S')" "$*" >&2; }
die() { printf '%s\n' "$*" >&2; exit 1; }
# client TOOL ARGS: a program of MySQL's, from this host or from the server's container.
client() {
  local tool=$1 alt
  shift
  case $tool in mysql) alt=mariadb ;; *) alt=mariadb-dump ;; esac
  if command -v "$tool" >/dev/null; then
    "$tool" "${login[@]}" "$@"
  elif command -v "$alt" >/dev/null; then
    "$alt" "${login[@]}" "$@"
  elif [ -n "$container" ] && command -v docker >/dev/null; then
    # the options file, with the password, goes by a pipe of the container's own; what is on
    # standard input follows it. Where the server is seen from this host, such as a published
    # port, does not hold in its container: there it is at the usual socket.
    { sed -E '/^[[:space:]]*(host|port|socket|protocol)[[:space:]]*=/d' -- "$options_file"; printf '\n#end\n'; cat; } |
      docker exec -i "$container" sh -c '
      umask 077; f=/tmp/opsdeck.$$; trap "rm -f $f" EXIT
      while IFS= read -r line && [ "$line" != "#end" ]; do printf "%s\n" "$line"; done > "$f"
      tool=$1; command -v "$tool" >/dev/null || tool=$2; shift 2
      "$tool" --defaults-file="$f" "$@"' sh "$tool" "$alt" "${account[@]}" "$@"
  else
    die "$m_noclient"
  fi
}
query() { client mysql --batch --raw --skip-column-names -e "$1" </dev/null; }
# there: 1 where the database exists, 0 where it does not.
there() { query "SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = $database_sql"; }
# open_backup FILE: its SQL on standard output.
open_backup() {
  case $1 in
  *.sql.gz) gzip -dc -- "$1" ;;
  *.sql.zst) zstd -dcq -- "$1" ;;
  *.sql.gz.age) age -d -i "$identity" -- "$1" | gzip -dc ;;
  *.sql.zst.age) age -d -i "$identity" -- "$1" | zstd -dcq ;;
  *.sql) cat -- "$1" ;;
  *) die "$m_unknown $1" ;;
  esac
}
# fact KEY FILE: the last value of KEY in a manifest, which is that of the whole file.
fact() { grep -o "\"$1\": *[^,}]*" -- "$2" | tail -n 1 | sed 's/^[^:]*: *//; s/"//g'; }
# proven FILE: its length and SHA-256 are those of its manifest, and it is whole.
proven() {
  local m=$1.manifest.json sum
  [ -s "$1" ] && [ -s "$m" ] || return 1
  ! grep -Eq '"(partial|no_data)": *true' -- "$m" || return 1
  [ "$(fact size_bytes "$m")" = "$(stat -c %s -- "$1")" ] || return 1
  sum=$(sha256sum -- "$1") || return 1
  [ "$(fact sha256 "$m")" = "${sum%% *}" ]
}
# newest: the newest backup of the database in the folder that is proven; the weekly and
# monthly ones count by their time.
newest() {
  local key f
  while IFS=$'\t' read -r key f; do
    case $f in *.manifest.json | *.tmp) continue ;; esac
    case $key in "$prefix"_[0-9]*) ;; *) continue ;; esac
    if proven "$dir/$f"; then printf '%s\n' "$dir/$f"; return 0; fi
    say "   $m_bad $dir/$f"
  done < <(ls -1 -- "$dir" | sed -n 's/^\(weekly_\|monthly_\)\{0,1\}\(.*\)\.sql.*$/\2\t&/p' |
    LC_ALL=C sort -t $'\t' -k 1,1r)
  return 1
}
# ended FILE: the last line of the SQL in it is that of a finished dump.
ended() {
  local last
  last=$(gzip -dc -- "$1" | tail -n 5) || return 1
  case $last in *"-- Dump completed"*) ;; *) return 1 ;; esac
}
# dump ARGS: the current state of the database as SQL.
dump() {
  local more=(--no-tablespaces --hex-blob --default-character-set=utf8mb4 --max-allowed-packet=1G) help
  help=$(client mysqldump --help </dev/null 2>/dev/null || true)
  case $help in *set-gtid-purged*) more+=(--set-gtid-purged=OFF) ;; esac
  case $help in *column-statistics*) more+=(--column-statistics=0) ;; esac
  client mysqldump --single-transaction --routines --triggers --events "${more[@]}" "$@" --databases "$database" </dev/null
}
# save: the current state in a file of the folder. Where the dump fails, what can be read
# is kept as well, under a name that says that it is not all.
save() {
  local to
  to=$dir/emergency_backup_$(date '+%Y%m%d_%H%M%S').sql.gz
  while [ -e "$to" ]; do sleep 1; to=$dir/emergency_backup_$(date '+%Y%m%d_%H%M%S').sql.gz; done
  if dump | gzip > "$to.tmp" && ended "$to.tmp" && sync -- "$to.tmp" && mv -- "$to.tmp" "$to" && sync -- "$dir"; then
    emergency=$to
    return 0
  fi
  dump --force 2>/dev/null | gzip > "$to.tmp" || true
  if [ "$(gzip -dc -- "$to.tmp" 2>/dev/null | grep -c '^CREATE TABLE' || true)" -gt 0 ] && sync -- "$to.tmp"; then
    mv -- "$to.tmp" "$to.incomplete"
    say "   $m_incomplete $to.incomplete"
  else
    rm -f -- "$to.tmp"
  fi
  return 1
}
# stopped CODE: how far it came, and the way back.
stopped() {
  say "$m_stopped $step (exit $1)"
  [ "$step" != "$m_load" ] || say "$m_partly"
  [ -z "$emergency" ] || say "$m_back bash $(printf '%q %q' "$0" "$emergency")"
}

step=$m_find
finished=
emergency=
trap 'code=$?; [ -n "$finished" ] || stopped "$code"' EXIT

say "1. $m_find"
backup=${1:-}
[ -n "$backup" ] || backup=$(newest) || die "$m_nobackup $dir"
[ -s "$backup" ] || die "$m_nofile $backup"
if proven "$backup"; then say "   $m_proven $backup"; else
  [ ! -e "$backup.manifest.json" ] || die "$m_bad $backup"
  say "   $m_unproven $backup"
  last=$(open_backup "$backup" | tail -n 5)
  case $last in *"-- Dump completed"*) ;; *) [ "${UNPROVEN:-}" = yes ] || die "$m_unfinished" ;; esac
fi
# What the backup switches to must be the database that is restored, and no other. All of
# it is read: a later USE would overwrite another database as well.
names=$(open_backup "$backup" | LC_ALL=C sed -n -e 's/^[Uu][Ss][Ee]  *`\{0,1\}\([^`;]*\)`\{0,1\} *;.*/U \1/p' \
  -e 's/^CREATE TABLE \(IF NOT EXISTS \)\{0,1\}`\(.*\)` *(.*/T \2/p' | LC_ALL=C sort -u)
used=$(printf '%s\n' "$names" | sed -n 's/^U //p')
others=$(printf '%s' "$used" | { grep -Fxv -- "$database" || true; })
[ -z "$others" ] || die "$m_other $others"
into=()
[ -n "$used" ] || into=("$database")

step=$m_confirm
say "2. $m_confirm"
query "SELECT CONCAT('   ', @@version, ' ', @@hostname, ':', @@port)" >&2
if [ "${CONFIRM:-}" != "$database" ]; then
  printf '   %s %s: ' "$m_type" "$database" >&2
  read -r answer
  [ "$answer" = "$database" ] || die "$m_nothing"
fi

step=$m_stop
say "3. $m_stop"
if [ -z "$stop" ] || [ "${STOPPED:-}" = yes ]; then say "   $m_byhand"; else
  sh -c "$stop" >&2 || die "$m_stopfail"
fi

step=$m_save
if [ "${SKIP_EMERGENCY:-}" = yes ]; then say "4. $m_skip"; else
  say "4. $m_save"
  if [ "$(there)" = 0 ]; then say "   $m_gone"; else
    save || die "$m_savefail"
    say "   $emergency"
  fi
fi

step=$m_load
say "5. $m_load"
if [ "$(there)" = 0 ]; then query "CREATE DATABASE $database_ident"; fi
open_backup "$backup" | client mysql --default-character-set=utf8mb4 --max-allowed-packet=1G "${into[@]}"

step=$m_check
say "6. $m_check"
all=$(query "SELECT table_name FROM information_schema.tables WHERE table_schema = $database_sql AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')" | LC_ALL=C sort)
count=$(printf '%s' "$all" | grep -c '' || true)
say "   $m_tables $count"
[ "$count" -gt 0 ] || die "$m_empty"
want=$(printf '%s\n' "$names" | sed -n 's/^T //p' | sed 's/``/`/g' | LC_ALL=C sort)
lost=$(LC_ALL=C comm -23 <(printf '%s\n' "$want") <(printf '%s\n' "$all") | tr '\n' ' ')
[ -z "${lost// /}" ] || die "$m_lost $lost"
for t in "${tables[@]}"; do
  rows=$(query "SELECT COUNT(*) FROM $t")
  say "   $t: $rows"
done
left=$(LC_ALL=C comm -13 <(printf '%s\n' "$want") <(printf '%s\n' "$all") | tr '\n' ' ')
if [ -n "${left// /}" ]; then say "   $m_left $left"; fi

step=$m_start
say "7. $m_start"
if [ -n "$start" ]; then sh -c "$start" >&2; else say "   $m_byhand"; fi
if [ -n "$ready" ]; then
  for try in $(seq 1 60); do
    if curl -fsS -m 5 -o /dev/null -- "$ready" 2>/dev/null; then break; fi
    [ "$try" -lt 60 ] || die "$m_notready $ready"
    sleep 2
  done
  say "   $m_ready $ready"
fi
finished=yes
say "$m_done"
