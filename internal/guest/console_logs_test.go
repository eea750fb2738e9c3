package guest

// What the serial console has of boots, put together of the words that the programs write, with where these are.
// None was booted. A line stands for many of its kind.

// SeaBIOS' version string (src/post.c) and "Booting from Hard Disk" (src/boot.c), with useserial='yes'; then GRUB's, which
// come twice: Flatcar's grub.cfg (flatcar/scripts, build_library/grub.cfg) writes to the screen, which SeaBIOS copies to the
// serial console (src/sercon.c), and to the serial console itself (terminal_output console serial_com0).
const bios = "\x1bc\x1b[?7l\x1b[2J\x1b[0mSeaBIOS (version 1.16.3-2.fc41)\r\nBooting from Hard Disk...\r\n" +
	"GRUB loading.\r\nGRUB loading.\r\nWelcome to GRUB!\r\nWelcome to GRUB!\r\n  Booting `Flatcar default'\r\n  Booting `Flatcar default'\r\n"

// edk2's BdsDxe (MdeModulePkg/Universal/BdsDxe/BdsEntry.c).
const uefi = "BdsDxe: loading Boot0002 \"UEFI Misc Device\" from PciRoot(0x0)/Pci(0x2,0x3)\r\nBdsDxe: starting Boot0002 \"UEFI Misc Device\" from PciRoot(0x0)/Pci(0x2,0x3)\r\n" +
	"Welcome to GRUB!\r\n\x1b[0m\x1b[30m\x1b[40m\x1b[2J\r\n  Booting `Fedora CoreOS 43.20251024.3.0 (ostree:0)'\r\n"

// The kernel's lines that are on every console: of init/version.c, setup_arch, SELinux' start (security/selinux/hooks.c:
// not yet a policy), init/main.c; systemd's until its journal is there (src/core/main.c, by kmsg). Flatcar's end there on
// ttyS0, as /dev/console is tty0 (console=ttyS0,115200n8 console=tty0; flatcar/Flatcar issue 2001).
const flatcarKernel = "[    0.000000] Linux version 6.12.51-flatcar (build@pony-truck.infra.kinvolk.io) (x86_64-cros-linux-gnu-gcc 14.3.0) #1 SMP PREEMPT_DYNAMIC\r\n" +
	"[    0.000000] Command line: BOOT_IMAGE=/flatcar/vmlinuz-a mount.usr=PARTUUID=7130c94a-213a-4e5a-8e26-6cce9662f132 rootflags=rw mount.usrflags=ro consoleblank=0 root=LABEL=ROOT " +
	"console=ttyS0,115200n8 console=tty0 flatcar.first_boot=detected flatcar.oem.id=qemu flatcar.autologin\r\n" +
	"[    0.012345] SELinux:  Initializing.\r\n" +
	"[    1.912345] Run /init as init process\r\n" +
	"[    1.990000] systemd[1]: Running in initrd.\r\n" +
	"[    2.010000] systemd[1]: Reached target slices.target - Slice Units.\r\n" +
	"[    4.700000] EXT4-fs (vda9): mounted filesystem ro with ordered data mode.\r\n"

// journald of the initramfs at the switch of the root (log_received_signal of systemd's src/basic/log.c, which
// it says by kmsg), SELinux' policy (security/selinux/ss/services.c: security_load_policycaps), agetty with --autologin
// (flatcar/init, flatcar-autologin-generator; util-linux, term-utils/agetty.c).
const flatcarSystem = "[    9.100000] systemd-journald[214]: Received SIGTERM from PID 1 (systemd).\r\n" +
	"[    9.300000] SELinux:  policy capability network_peer_controls=1\r\n" +
	"[    9.900000] systemd[1]: Successfully loaded SELinux policy in 302.123ms.\r\n" +
	"\r\nThis is localhost (Linux x86_64 6.12.51-flatcar) 20:01:02\r\nSSH host key: SHA256:abc (ED25519)\r\neth0: 10.77.0.105 fe80::5054:ff:fed2:b864\r\n"
const flatcarLogin = "\r\ncore01 login: core (automatic login)\r\n\r\nFlatcar Container Linux by Kinvolk stable 4593.2.5 for QEMU\r\ncore@core01 ~ $ "

// The kernel's own word at the end (kernel/reboot.c), which is all of `systemctl reboot --force` that gets there, be it
// of ignition-kargs-helper or of the emergency shell that waited for 300 s (flatcar/bootengine, dracut/30ignition and
// dracut/99emergency-timeout/timeout.sh). systemd-shutdown ends journald, too (src/shutdown/shutdown.c).
const (
	flatcarArguments = "[    7.500000] systemd-shutdown[1]: Sending SIGTERM to remaining processes...\r\n[    7.600000] systemd-journald[214]: Received SIGTERM from PID 1 (systemd-shutdow).\r\n[    7.700000] reboot: Restarting system\r\n"
	flatcarGivesUp   = "[  309.600000] systemd-journald[214]: Received SIGTERM from PID 1 (systemd-shutdow).\r\n[  309.700000] reboot: Restarting system\r\n"
)

// Fedora CoreOS: console=tty0 console=ttyS0,115200n8 (coreos/fedora-coreos-config, platforms.yaml), so systemd's lines come,
// too: the initramfs' welcome of systemd 252 ("Welcome to … (Initramfs)!", by dracut's PRETTY_NAME) and 256 ("Booting initrd
// of …"; src/core/main.c), its targets; Ignition's by journald's ForwardToKMsg (overlay.d/05core, 99journal-conf).
const fcosKernel = "[    0.000000] Linux version 6.16.7-200.fc42.x86_64 (mockbuild@x) (gcc (GCC) 15.2.1) #1 SMP PREEMPT_DYNAMIC\r\n" +
	"[    0.000000] Command line: BOOT_IMAGE=(hd0,gpt3)/boot/ostree/fedora-coreos-abc/vmlinuz mitigations=auto,nosmt ignition.platform.id=qemu console=tty0 console=ttyS0,115200n8 ignition.firstboot rd.neednet=1\r\n" +
	"[    0.012345] SELinux:  Initializing.\r\n" +
	"[    1.912345] Run /init as init process\r\n" +
	"\r\nWelcome to \x1b[0;38;2;60;110;180mFedora CoreOS 43.20251024.3.0 dracut-107-5.fc43 (Initramfs)\x1b[0m!\r\n" +
	"Booting initrd of \x1b[0;38;2;60;110;180mFedora CoreOS 43.20251024.3.0 dracut-107-5.fc43 (Initramfs)\x1b[0m.\r\n" +
	"[\x1b[0;32m  OK  \x1b[0m] Reached target \x1b[0;1;39mslices.target\x1b[0m - Slice Units.\r\n" +
	"[\x1b[0;32m  OK  \x1b[0m] Reached target \x1b[0;1;39mbasic.target\x1b[0m - Basic System.\r\n"

const fcosIgnition = "         Starting \x1b[0;1;39mignition-fetch-offline.service\x1b[0m - Ignition (fetch-offline)...\r\n" +
	"[    5.123456] ignition[703]: Ignition 2.24.0\r\n[    5.123457] ignition[703]: Stage: fetch-offline\r\n" +
	"[\x1b[0;32m  OK  \x1b[0m] Finished \x1b[0;1;39mignition-fetch-offline.service\x1b[0m - Ignition (fetch-offline).\r\n"

const fcosSystem = "[\x1b[0;32m  OK  \x1b[0m] Reached target \x1b[0;1;39minitrd-switch-root.target\x1b[0m - Switch Root.\r\n" +
	"         Starting \x1b[0;1;39minitrd-switch-root.service\x1b[0m - Switch Root...\r\n" +
	"[    9.100000] systemd-journald[300]: Received SIGTERM from PID 1 (systemd).\r\n" +
	"\r\nWelcome to \x1b[0;38;2;60;110;180mFedora CoreOS 43.20251024.3.0\x1b[0m!\r\n\r\n" +
	"[\x1b[0;32m  OK  \x1b[0m] Reached target \x1b[0;1;39mmulti-user.target\x1b[0m - Multi-User System.\r\n" +
	"Fedora CoreOS 43.20251024.3.0\r\nKernel 6.16.7-200.fc42.x86_64 on x86_64 (ttyS0)\r\n\r\ncore01 login: "

// coreos-kargs-reboot.service (coreos/fedora-coreos-config, overlay.d/05core, 35coreos-ignition), skipped (src/core/job.c) and not.
const (
	fcosNoArguments = "[\x1b[0;32m  OK  \x1b[0m] coreos-kargs-reboot.service - CoreOS Kernel Arguments Reboot was skipped because of an unmet condition check (ConditionPathExists=/run/coreos-kargs-reboot).\r\n"
	fcosArguments   = "         Starting \x1b[0;1;39mcoreos-kargs-reboot.service\x1b[0m - CoreOS Kernel Arguments Reboot...\r\n[    7.700000] reboot: Restarting system\r\n"
)

// Emergencies of Fedora CoreOS: Ignition's banner (overlay.d/05core, 99emergency-shell-setup/emergency-shell.sh), dracut's
// (modules.d/98dracut-systemd/dracut-emergency.sh of dracut 059), sulogin's (util-linux, login-utils/sulogin.c).
const dracutEmergency = "Generating \"/run/initramfs/rdsosreport.txt\"\r\n\r\nEntering emergency mode. Exit the shell to continue.\r\nType \"journalctl\" to view system logs.\r\n" +
	"\r\nPress Enter for maintenance\r\n(or press Control-D to continue): "

const fcosIgnitionFails = "[    6.123456] ignition[744]: Ignition failed: config is not valid\r\n" +
	"[\x1b[0;1;31mFAILED\x1b[0m] Failed to start \x1b[0;1;39mignition-fetch.service\x1b[0m - Ignition (fetch).\r\nSee 'systemctl status ignition-fetch.service' for details.\r\n" +
	"------\r\nIgnition has failed. Please ensure your config is valid. Note that only\r\nIgnition spec v3.0.0+ configs are accepted.\r\n" + dracutEmergency

const fcosRootFails = "[\x1b[0;1;31m TIME \x1b[0m] Timed out waiting for device \x1b[0;1;39mdev-disk-by\\x2dlabel-root.device\x1b[0m - /dev/disk/by-label/root.\r\n" +
	"[\x1b[0;1;38;5;185mDEPEND\x1b[0m] Dependency failed for \x1b[0;1;39msysroot.mount\x1b[0m - /sysroot.\r\n" + dracutEmergency
