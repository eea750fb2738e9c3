package artifact

import (
	"io/fs"
	"os"
	"path/filepath"
)

// Matching are the paths below the folder that match a pattern of path.Match: the folder's own path may have any character.
func Matching(folder, pattern string) ([]string, error) {
	paths, err := fs.Glob(os.DirFS(folder), filepath.ToSlash(filepath.Clean(pattern)))
	for i, path := range paths {
		paths[i] = filepath.Join(folder, path)
	}
	return paths, err
}
