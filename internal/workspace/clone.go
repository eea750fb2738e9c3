package workspace

import (
	"path/filepath"

	"coreos-libvirt/internal/terminal/hint"
)

// IsClone is an error if the folder is not a clone of the project: a run there would begin a workspace of its own.
func IsClone(folder string) error {
	const sign = "templates/domain.xml.tmpl"
	if Exists(filepath.Join(folder, sign)) {
		return nil
	}
	advice := "run it in the folder of your clone, where ignition/ and templates/ are"
	for above := filepath.Dir(folder); above != filepath.Dir(above); above = filepath.Dir(above) {
		if Exists(filepath.Join(above, sign)) {
			advice = "cd " + above
			break
		}
	}
	return hint.Errorf(advice, "%s is not the folder of a clone: it has no %s", folder, sign)
}
