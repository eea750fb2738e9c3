# Makes the program bash in the current folder, without /dev/tcp and /dev/udp, from Debian's source. Flatcar builds its own so:
# flatcar/scripts, coreos-overlay/profiles/coreos/targets/generic/package.use, "app-shells/bash -net".
set -euo pipefail
mirror() { apt-get indextargets --format "\$($1)" 'Created-By: Packages' 'Origin: Debian' 'Component: main' | head -n 1; }
uri=$(mirror REPO_URI)
if [ -z "$uri" ]; then # no list of packages is there yet
  apt-get -qq update
  uri=$(mirror REPO_URI)
fi
mkdir -p bash-source/lists/partial
cd bash-source
echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri bookworm main" >sources.list
apt=(apt-get -qq -o "Dir::Etc::SourceList=$PWD/sources.list" -o Dir::Etc::SourceParts=- -o "Dir::State::Lists=$PWD/lists"
  -o APT::Sandbox::User=root -o Dir::Cache::srcpkgcache= -o Dir::Cache::pkgcache=)
"${apt[@]}" update
"${apt[@]}" --download-only source bash
tar -xf bash_*.orig.tar.* --strip-components=1
./configure -q --disable-net-redirections --without-bash-malloc --disable-nls
make -s -j2 CFLAGS='-O1 -w'
strip -o ../bash bash
