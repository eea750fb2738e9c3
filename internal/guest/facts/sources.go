package facts

import "strings"

// The states of the sources that were read.
const (
	flatcarRelease = "stable-4593.2.5"
	fcosConfig     = "branch stable, 7db341d of 2024-10-21"
)

func in(repo, at string, paths ...string) (sources []Source) {
	for _, path := range paths {
		sources = append(sources, Source{repo, path, at})
	}
	return sources
}

// The repositories. Where a release of Flatcar builds another commit than the one that could be read, that is said.

func fcosIn(paths ...string) []Source {
	return in("coreos/fedora-coreos-config", fcosConfig, paths...)
}

func fcosOverlay(path string) []Source { return fcosIn("overlay.d/" + path) }

func assembler(path string) []Source {
	return in("coreos/coreos-assembler", "05db482 of 2026-07-09", path)
}

func fcosDocs(page string) []Source {
	return in("coreos/fedora-coreos-docs", "9db0773 of 2026-08-20", "modules/ROOT/pages/"+page)
}

func zincati(path string) []Source { return in("coreos/zincati", "be76c4a of 2026-02-06", path) }

func policy(path string) []Source {
	return in("fedora-selinux/selinux-policy", "fd1d996 of 2024-10-24", path)
}

func scripts(paths ...string) []Source { return in("flatcar/scripts", flatcarRelease, paths...) }

// overlay is Flatcar's own packages in its scripts.
func overlay(paths ...string) (sources []Source) {
	for _, path := range paths {
		sources = append(sources, scripts("sdk_container/src/third_party/coreos-overlay/"+path)...)
	}
	return sources
}

func gentoo(path string) []Source {
	return scripts("sdk_container/src/third_party/portage-stable/" + path)
}

func flatcarInit(paths ...string) []Source {
	return in("flatcar/init", "3298243 of 2024-03-26; the release builds 860090d", paths...)
}

func bootengine(path string) []Source {
	return in("flatcar/bootengine", "6c2fba4 of 2024-03-28; the release builds ad278c3", path)
}

func lab(paths ...string) (sources []Source) {
	for _, path := range paths {
		if !strings.Contains(path, "/") {
			path = "internal/lab/guestimage/" + path
		}
		sources = append(sources, Source{"this repository", path, "as it is"})
	}
	return sources
}
