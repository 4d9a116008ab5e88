# Process 1 of fresh namespaces: builds a root of its own, leaves the machine's, and starts systemd in it.
#
# A systemd that starts empties /tmp, sets sysctls and makes folders below /var. So the machine's root is left
# before it runs, and unmounted: what remains of the machine is /usr, read-only.
set -eu
root=$1
shift
mount --make-rprivate /
mount -t tmpfs -o mode=755,size=64m tmpfs "$root"
cd "$root"
mkdir usr etc proc sys dev run tmp var old
for dir in bin sbin lib lib64; do ln -s usr/$dir $dir; done
mount --bind /usr usr
mount -o remount,bind,ro usr
for dir in tmpfiles.d sysctl.d modules-load.d systemd/system-generators; do
	[ ! -d usr/lib/$dir ] || mount -t tmpfs -o ro tmpfs usr/lib/$dir
done
for share; do # what a test lends it, at the same place
	mkdir -p ".$share"
	mount --bind "$share" ".$share"
done
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
for file in sysrq-trigger kcore kmsg; do [ ! -e proc/$file ] || mount --bind /dev/null proc/$file; done
mkdir -p sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs sys/fs/cgroup
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
	mount -t cgroup2 cgroup2 sys/fs/cgroup
else
	mkdir sys/fs/cgroup/systemd
	mount -t cgroup -o none,name=systemd cgroup sys/fs/cgroup/systemd
fi
for node in null zero full random urandom; do
	: >dev/$node
	mount --bind /dev/$node dev/$node
done
mkdir -p etc/systemd/system run/systemd/system
printf 'root:x:0:0::/root:/bin/sh\n' >etc/passwd
printf 'root:x:0:\n' >etc/group
: >etc/machine-id
printf '[Unit]\nDefaultDependencies=no\n' >etc/systemd/system/opsdeck-test.target
pivot_root . old
cd /
umount -l /old
rmdir /old
# The last look before anything that tidies up is let loose.
for dir in /tmp /var /etc /run; do
	[ "$(stat -f -c %T $dir)" = tmpfs ] || { echo "$dir is not this namespace's own"; exit 1; }
done
exec setpriv --bounding-set -sys_module,-sys_time,-sys_rawio,-sys_boot,-mknod,-syslog \
	env -i container=opsdeck PATH=/usr/sbin:/usr/bin /lib/systemd/systemd --system --unit=opsdeck-test.target --log-target=console --show-status=0
