package artifact

import (
	"fmt"
	"io/fs"
	"os"
)

// writableByOthers are the permissions by which users who are not the owner change a file.
const writableByOthers fs.FileMode = 0o022

// Own makes sure that nobody but this process's user, and root, can change what is at path: a file, or a folder, which is not at a
// link. One of another user, or that others may write to, may be what they want this user to run. What is missing is an error
// of fs.ErrNotExist.
func Own(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	owner := OwnerOf(info).UID
	switch {
	case !info.IsDir() && !info.Mode().IsRegular():
		return fmt.Errorf("%s is neither a file nor a folder", path)
	case owner != os.Getuid() && owner != 0:
		return fmt.Errorf("%s belongs to another user (%d)", path, owner)
	case info.Mode().Perm()&writableByOthers != 0:
		return fmt.Errorf("others may write to %s (%04o)", path, info.Mode().Perm())
	}
	return nil
}
