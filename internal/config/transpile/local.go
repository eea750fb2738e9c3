package transpile

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/flatcar/container-linux-config-transpiler/config/types"
	"gopkg.in/yaml.v3"

	"coreos-libvirt/internal/config/problem"
)

// locals are where a Container Linux Config's local files are: in the folder of local files, else beside the config. There they
// were with ct, whose -files-dir most scripts set so.
type locals struct{ files, config string }

func (l locals) places() string { return fmt.Sprintf("%s, then beside %s", l.files, l.config) }

// located puts the absolute path of each local file in place of its name in the config, of which source is the text. problems
// are those that are not there.
func (l locals) located(config types.Config, source []byte) (problems []problem.Problem) {
	for i := range config.Storage.Files {
		local := &config.Storage.Files[i].Contents.Local
		path, err := l.find(*local)
		if err == nil {
			*local = path
			continue
		}
		p := problem.Problem{Kind: "error", Text: err.Error()}
		p.Line, p.Column = localPlace(source, i)
		problems = append(problems, p)
	}
	return problems
}

// localPlace is where the name of a file's local file stands, which may be in what it merges; 0 if that is not known.
func localPlace(source []byte, file int) (line, column int) {
	var doc yaml.Node
	if yaml.Unmarshal(source, &doc) != nil {
		return 0, 0
	}
	if n := problem.At(resolved(&doc), "storage", "files", file, "contents", "local"); n != nil {
		return n.Line, n.Column
	}
	return 0, 0
}

// find is the absolute path of a local file: empty if there is no name.
func (l locals) find(local string) (string, error) {
	name := strings.TrimLeft(local, "/")
	if name == "" {
		return "", nil
	}
	if !filepath.IsLocal(name) {
		return "", fmt.Errorf("%s is outside of the folder of local files", local)
	}
	for _, folder := range []string{l.files, filepath.Dir(l.config)} {
		path := filepath.Join(folder, name)
		if _, err := os.Stat(path); err == nil {
			return filepath.Abs(path)
		}
	}
	return "", fmt.Errorf("local file %s: no such file or directory", local)
}

// absoluteLocals lets ct, which takes local files from the folder that a flag of the command line names, take them by absolute
// paths.
var absoluteLocals = sync.OnceValue(func() error {
	const name = "files-dir"
	if flag.Lookup(name) == nil {
		flag.String(name, "", "")
	}
	return flag.Set(name, "/")
})
