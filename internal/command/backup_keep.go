package command

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// stamped is the file of a snapshot of that time, of those that have the same name but for the time: core-20261127T200501Z.db of core.db.
func stamped(path string, at time.Time) string {
	extension := filepath.Ext(path)
	return strings.TrimSuffix(path, extension) + at.UTC().Format("-20060102T150405Z") + extension
}

// removeOlder removes the oldest of the files that stamped names of the path, but for the newest ones of that number. Those that it has removed
// are given with an error, too.
func removeOlder(path string, but int) (removed []string, err error) {
	folder, name := filepath.Split(path)
	extension := filepath.Ext(name)
	ours := regexp.MustCompile("^" + regexp.QuoteMeta(strings.TrimSuffix(name, extension)) + `-\d{8}T\d{6}Z` + regexp.QuoteMeta(extension) + "$")
	entries, err := os.ReadDir(filepath.Clean(folder))
	if err != nil {
		return nil, err
	}
	entries = slices.DeleteFunc(entries, func(e os.DirEntry) bool { return !e.Type().IsRegular() || !ours.MatchString(e.Name()) }) // sorted
	for _, old := range entries[:max(0, len(entries)-but)] {
		failed := os.Remove(filepath.Join(folder, old.Name()))
		if failed == nil {
			removed = append(removed, old.Name())
		}
		err = errors.Join(err, failed)
	}
	return removed, err
}
