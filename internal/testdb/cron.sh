# Process 1 of fresh namespaces: a spool of its own, and none of the machine's jobs. cron is started later.
set -eu
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs /var/spool/cron
mkdir /var/spool/cron/crontabs
chown root:crontab /var/spool/cron/crontabs
chmod 1730 /var/spool/cron/crontabs
mount -t tmpfs tmpfs /etc/cron.d
[ ! -e /etc/crontab ] || mount --bind /dev/null /etc/crontab
mount -t tmpfs -o mode=755 tmpfs /run
exec sleep infinity
