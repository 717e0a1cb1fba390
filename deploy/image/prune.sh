# Makes a base fit to be shipped: without what installs packages, with the user that everything runs as.
# Runs inside deploy/Containerfile. Docker's python images keep pip in /usr/local; Debian's python has none.
set -eu
rm -rf /usr/local/lib/python3*/ensurepip /usr/local/lib/python3*/idlelib \
    /usr/local/lib/python3*/site-packages/pip /usr/local/lib/python3*/site-packages/pip-* \
    /usr/local/lib/python3*/site-packages/setuptools /usr/local/lib/python3*/site-packages/setuptools-* \
    /usr/local/lib/python3*/site-packages/wheel /usr/local/lib/python3*/site-packages/wheel-* \
    /usr/local/lib/python3*/site-packages/pkg_resources /usr/local/lib/python3*/site-packages/_distutils_hack
rm -f /usr/local/bin/pip* /usr/local/bin/idle* /usr/local/bin/wheel
echo 'wenzheng:x:10001:10001:Wenzheng:/data:/usr/sbin/nologin' >>/etc/passwd
echo 'wenzheng:x:10001:' >>/etc/group
mkdir -p /data
chown 10001:10001 /data
# Nothing here becomes somebody else.
find / -xdev -type f -perm /6000 -exec chmod ug-s {} +
