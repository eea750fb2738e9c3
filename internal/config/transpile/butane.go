package transpile

import (
	"github.com/coreos/butane/config"
	"github.com/coreos/butane/config/common"

	"coreos-libvirt/internal/config/problem"
	"coreos-libvirt/internal/config/refusal"
)

// butane transpiles as `butane --strict` does: a key that Butane does not know, of which it only
// warns, is mostly a typo.
func butane(path string, source []byte, files string) ([]byte, error) {
	options := common.TranslateBytesOptions{Raw: true}
	options.FilesDir = files
	out, rpt, err := config.TranslateBytes(source, options)
	if err == nil && len(rpt.Entries) == 0 {
		return indent(out)
	}
	return nil, problem.Explain(path, source, refusal.Of(source, files).Butane(err, rpt), refusal.AdviceButane)
}
