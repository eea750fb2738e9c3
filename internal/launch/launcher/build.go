package launcher

import (
	"cmp"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/magefile/mage/mage"

	"coreos-libvirt/internal/launch"
	"coreos-libvirt/internal/terminal/hint"
)

// goarch are Go's names of the architectures, and compilers the C compilers for them on another machine, as Debian names them.
var (
	goarch    = map[string]string{"x86_64": "amd64", "aarch64": "arm64"}
	compilers = map[string]string{"x86_64": "x86_64-linux-gnu-gcc", "aarch64": "aarch64-linux-gnu-gcc"}
	machines  = map[string]elf.Machine{"x86_64": elf.EM_X86_64, "aarch64": elf.EM_AARCH64}
)

// Build makes the program of all targets for the architecture at the path: with libvirt's binding, which loads libvirt.so when it
// runs, and with the etcd helper. version is what the program says that it is. While it builds, the environment of this process is the compiler's.
func Build(workspace, version, arch, path string) error {
	compiler := cmp.Or(os.Getenv("CC"), "gcc")
	if !IsOwn(arch) {
		compiler = cmp.Or(os.Getenv("CC"), compilers[arch])
	}
	if _, err := exec.LookPath(strings.Fields(compiler)[0]); err != nil {
		return hint.Errorf(fmt.Sprintf("apt-get install gcc-%s-linux-gnu libc6-dev-%s-cross   # or gcc libc6-dev for this machine's own", strings.ReplaceAll(arch, "_", "-"), goarch[arch]),
			"a program for %s needs a C compiler for it: %w", arch, err)
	}
	env := launch.Environment()
	env["GOFLAGS"], env["CGO_ENABLED"], env["CC"] = launch.ProgramFlags(env["GOFLAGS"]), "1", compiler
	restore, err := setAll(env)
	defer restore()
	if err != nil {
		return err
	}
	code := 1
	err = launch.Alone(workspace, func(sources string) error {
		code = mage.Invoke(mage.Invocation{
			Dir: sources, CompileOut: path, GOOS: "linux", GOARCH: goarch[arch], Ldflags: "-s -w " + launch.Stamp(workspace, version),
			Stdin: os.Stdin, Stdout: os.Stderr, Stderr: os.Stderr,
		})
		return nil
	})
	if err == nil && code != 0 {
		err = fmt.Errorf("cannot build %s", filepath.Base(path))
	}
	return errors.Join(err, isFor(path, arch, err == nil))
}

// setAll sets variables of this process. restore sets them as they were.
func setAll(variables map[string]string) (restore func(), err error) {
	was := map[string]string{}
	for name, value := range variables {
		if old, had := os.LookupEnv(name); had {
			was[name] = old
		}
		err = errors.Join(err, os.Setenv(name, value))
	}
	return func() {
		for name := range variables {
			if old, had := was[name]; had {
				_ = os.Setenv(name, old)
			} else {
				_ = os.Unsetenv(name)
			}
		}
	}, err
}

// IsOwn reports whether the architecture is that of this program.
func IsOwn(arch string) bool { return goarch[arch] == runtime.GOARCH }

// isFor is an error if the program that was built is for another architecture.
func isFor(path, arch string, built bool) error {
	if !built {
		return nil
	}
	file, err := elf.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	if file.Machine != machines[arch] {
		return fmt.Errorf("%s is for %s, not for %s", path, file.Machine, arch)
	}
	return nil
}
