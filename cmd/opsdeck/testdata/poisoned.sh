# A machine on which opsdeck is in use, for the one program that is run in it. $SCRATCH is an empty folder.
set -eu
mount --make-rprivate /
cp -a /etc "$SCRATCH/etc"
mount --bind "$SCRATCH/etc" /etc
mount -t tmpfs tmpfs /var/lib
mkdir -p /etc/opsdeck /var/lib/opsdeck/locks "$SCRATCH/home/.config/opsdeck" "$SCRATCH/home/.local/state/opsdeck"
export HOME="$SCRATCH/home" XDG_CONFIG_HOME="$SCRATCH/home/.config" XDG_STATE_HOME="$SCRATCH/home/.local/state"
export LANG=zh_CN.UTF-8 LC_ALL=zh_CN.UTF-8 NO_COLOR=1 OPSDECK_ROOT=
for config in /etc/opsdeck "$XDG_CONFIG_HOME/opsdeck"; do echo 'services: [ this is read' >"$config/config.yaml"; done
for state in /var/lib/opsdeck "$XDG_STATE_HOME/opsdeck"; do echo 'this is read' >"$state/operations.jsonl"; done
printf '[client]\nthis-is-read\n' >"$HOME/.my.cnf"
chmod 600 "$HOME/.my.cnf"
echo '0 2 * * * root mysqldump this-is-read' >/etc/cron.d/old-backup
look() { find /etc/opsdeck /etc/cron.d /var/lib "$HOME" -printf '%p %s %T@ %C@\n' | sort; }
look >"$SCRATCH/before"
"$@"
look >"$SCRATCH/after"
diff "$SCRATCH/before" "$SCRATCH/after"
