
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
    # standard input follows it
    { cat -- "$options_file"; printf '\n#end\n'; cat; } | docker exec -i "$container" sh -c '
      umask 077; f=/tmp/opsdeck.$$; trap "rm -f $f" EXIT
      while IFS= read -r line && [ "$line" != "#end" ]; do printf "%s\n" "$line"; done > "$f"
      tool=$1; command -v "$tool" >/dev/null || tool=$2; shift 2
      "$tool" --defaults-file="$f" "$@"' sh "$tool" "$alt" "$@"
  else
    die "$m_noclient"
  fi
}
query() { client mysql --batch --skip-column-names -e "$1" </dev/null; }
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
# newest: the newest backup of the database in the folder that is proven.
newest() {
  local f
  while IFS= read -r f; do
    case $f in *.manifest.json | *.tmp) continue ;; "$prefix"_[0-9]*.sql*) ;; *) continue ;; esac
    if proven "$dir/$f"; then printf '%s\n' "$dir/$f"; return 0; fi
    say "   $m_bad $dir/$f"
  done < <(ls -1 -- "$dir" | sed 's/\.sql/\t&/' | LC_ALL=C sort -t $'\t' -k 1,1r | tr -d '\t')
  return 1
}

step=$m_find
finished=
emergency=
trap 'code=$?; [ -n "$finished" ] || { say "$m_stopped $step (exit $code)"; [ ! -s "$emergency" ] || say "$m_back gzip -dc $emergency | mysql"; }' EXIT

say "1. $m_find"
backup=${1:-}
[ -n "$backup" ] || backup=$(newest) || die "$m_nobackup $dir"
[ -s "$backup" ] || die "$m_nofile $backup"
if proven "$backup"; then say "   $m_proven $backup"; else
  say "   $m_unproven $backup"
  open_backup "$backup" >/dev/null
fi
# What the backup switches to must be the database that is restored, and no other. All of
# it is read: a later USE would overwrite another database as well.
names=$(open_backup "$backup" | LC_ALL=C sed -n -e 's/^USE *`\(.*\)` *;.*/U \1/p' \
  -e 's/^CREATE TABLE \(IF NOT EXISTS \)\{0,1\}`\([^`]*\)`.*/T \2/p' | LC_ALL=C sort -u)
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
  to=$dir/emergency_backup_$(date '+%Y%m%d_%H%M%S').sql.gz
  more=(--no-tablespaces)
  help=$(client mysqldump --help </dev/null 2>/dev/null || true)
  case $help in *set-gtid-purged*) more+=(--set-gtid-purged=OFF) ;; esac
  client mysqldump --single-transaction --routines --triggers --events "${more[@]}" --databases "$database" </dev/null |
    gzip > "$to.tmp" || die "$m_savefail"
  # the end of a gzip file proves nothing: the last line of the dump does
  gzip -dc -- "$to.tmp" | tail -n 5 | grep -q '^-- Dump completed' || die "$m_savefail"
  sync -- "$to.tmp"
  mv -- "$to.tmp" "$to"
  emergency=$to
  say "   $emergency"
fi

step=$m_load
say "5. $m_load"
open_backup "$backup" | client mysql "${into[@]}"

step=$m_check
say "6. $m_check"
all=$(query "SELECT table_name FROM information_schema.tables WHERE table_schema = $database_sql AND table_type = 'BASE TABLE'" | LC_ALL=C sort)
count=$(printf '%s' "$all" | grep -c '' || true)
say "   $m_tables $count"
[ "$count" -gt 0 ] || die "$m_empty"
for t in "${tables[@]}"; do
  rows=$(query "SELECT COUNT(*) FROM $t")
  say "   $t: $rows"
done
left=$(LC_ALL=C comm -13 <(printf '%s\n' "$names" | sed -n 's/^T //p') <(printf '%s\n' "$all") | tr '\n' ' ')
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
