package transpile

import (
	"cmp"
	"encoding/json"
	"errors"
	"path"
	"slices"

	compact "github.com/clarketm/json" // leaves out empty structs
	"github.com/coreos/ign-converter/translate/v23tov30"
	old "github.com/coreos/ignition/config/v2_3/types"
	"github.com/coreos/ignition/v2/config/v3_0/types"
	"github.com/coreos/ignition/v2/config/validate"
	"github.com/vincent-petithory/dataurl"
)

// toSpec3 brings a document of Ignition 2.3 to 3.0: what the converter refuses or loses is first put as
// Ignition 2 took it.
func toSpec3(data []byte) ([]byte, error) {
	var config old.Config
	if err := json.Unmarshal(data, &config); err != nil {
		return nil, err
	}
	for _, unit := range config.Networkd.Units {
		config.Storage.Files = append(config.Storage.Files, networkFiles(unit)...)
	}
	config.Networkd = old.Networkd{}
	paths, err := filesystemPaths(config)
	if err != nil {
		return nil, err
	}
	onRoot(&config.Storage, paths)
	doc, err := translated(config, paths)
	if err != nil {
		return nil, err
	}
	return doc, keepsAll(data, doc, paths)
}

// translated is the config, whose files are all on the root, in spec 3. paths are of its file systems.
func translated(config old.Config, paths map[string]string) ([]byte, error) {
	devices, places := mounted(config.Storage.Filesystems, paths)
	files, more := firstOfEach(lastFiles(config.Storage.Files))
	config.Storage.Filesystems, config.Storage.Files = devices, files
	config.Systemd.Units = mergedUnits(config.Systemd.Units)
	for i, user := range config.Passwd.Users {
		config.Passwd.Users[i] = created(user)
	}
	merged := merges(config.Ignition.Config.Append)
	config.Ignition.Config.Append = nil
	spec3, err := v23tov30.Translate(config, places)
	if err != nil {
		return nil, err
	}
	spec3.Ignition.Config.Merge = merged
	if found := validate.ValidateWithContext(spec3, nil); found.IsFatal() { // the converter has not seen these
		return nil, errors.New(found.String())
	}
	for i := range spec3.Storage.Files {
		file := &spec3.Storage.Files[i]
		file.Append = append(file.Append, more[file.Path]...)
	}
	return compact.Marshal(spec3)
}

// merges are the configs that are merged. (The converter makes the last of each.)
func merges(all []old.ConfigReference) (merged []types.ConfigReference) {
	for _, ref := range all {
		merged = append(merged, types.ConfigReference{Source: &ref.Source, Verification: types.Verification{Hash: ref.Verification.Hash}})
	}
	return merged
}

// firstOfEach parts files from what is appended to them by later entries, by path: spec 3 has that in one entry. Mode and
// owner are those of the last that names them, as Ignition 2 set them once more.
func firstOfEach(files []old.File) (first []old.File, more map[string][]types.FileContents) {
	more = map[string][]types.FileContents{}
	for _, file := range files {
		i := slices.IndexFunc(first, func(f old.File) bool { return f.Path == file.Path })
		if i < 0 || !file.Append {
			first = append(first, file)
			continue
		}
		first[i].Mode = cmp.Or(file.Mode, first[i].Mode)
		first[i].User, first[i].Group = cmp.Or(file.User, first[i].User), cmp.Or(file.Group, first[i].Group)
		contents := types.FileContents{Source: &file.Contents.Source, Verification: types.Verification{Hash: file.Contents.Verification.Hash}}
		if file.Contents.Compression != "" {
			contents.Compression = &file.Contents.Compression
		}
		more[file.Path] = append(more[file.Path], contents)
	}
	return first, more
}

const networkFolder = "/etc/systemd/network"

// networkFiles are what Ignition 2 made of a networkd unit, which spec 3 has no section for.
func networkFiles(unit old.Networkdunit) (files []old.File) {
	if unit.Contents != "" {
		files = append(files, networkFile(path.Join(networkFolder, unit.Name), unit.Contents))
	}
	for _, dropin := range unit.Dropins {
		if dropin.Contents != "" {
			files = append(files, networkFile(path.Join(networkFolder, unit.Name+".d", dropin.Name), dropin.Contents))
		}
	}
	return files
}

func networkFile(at, contents string) old.File {
	mode := 0o644
	return old.File{
		Node: old.Node{Filesystem: "root", Path: at},
		FileEmbedded1: old.FileEmbedded1{
			Mode: &mode, Contents: old.FileContents{Source: "data:," + dataurl.EscapeString(contents)},
		},
	}
}

// lastFiles leaves of files of one place the last, which in Ignition 2 overwrote the others, and what is
// appended to that.
func lastFiles(files []old.File) []old.File {
	kept := []old.File{}
	for i, file := range files {
		later := slices.ContainsFunc(files[i+1:], func(f old.File) bool {
			return f.Path == file.Path && !f.Append
		})
		if !later {
			kept = append(kept, file)
		}
	}
	return kept
}

// mergedUnits makes one of units of one name, as Ignition 2 wrote them one over the other: the transpiler makes
// a unit of a section such as etcd, and the user's own of that name adds to it. The last contents, mask and
// enabled win, drop-ins come together.
func mergedUnits(units []old.Unit) []old.Unit {
	merged := []old.Unit{}
	for _, unit := range units {
		i := slices.IndexFunc(merged, func(u old.Unit) bool { return u.Name == unit.Name })
		if i < 0 {
			merged = append(merged, unit)
			continue
		}
		overlay(&merged[i], unit)
	}
	return merged
}

func overlay(unit *old.Unit, later old.Unit) {
	if later.Contents != "" {
		unit.Contents = later.Contents
	}
	if later.Enabled != nil || later.Enable {
		unit.Enabled, unit.Enable = later.Enabled, later.Enable
	}
	unit.Mask = unit.Mask || later.Mask
	for _, dropin := range later.Dropins {
		if dropin.Contents == "" {
			continue // none is written over one that is
		}
		unit.Dropins = slices.DeleteFunc(unit.Dropins, func(d old.SystemdDropin) bool { return d.Name == dropin.Name })
		unit.Dropins = append(unit.Dropins, dropin)
	}
}

// created has what the deprecated section create says of a user where spec 3 has it, beside the name. (No
// config has both: Ignition 2 refuses it.)
func created(user old.PasswdUser) old.PasswdUser {
	c := user.Create
	if c == nil {
		return user
	}
	user.UID, user.Gecos, user.HomeDir, user.NoCreateHome = c.UID, c.Gecos, c.HomeDir, c.NoCreateHome
	user.PrimaryGroup, user.NoUserGroup, user.NoLogInit = c.PrimaryGroup, c.NoUserGroup, c.NoLogInit
	user.Shell, user.System, user.Create = c.Shell, c.System, nil
	for _, group := range c.Groups {
		user.Groups = append(user.Groups, old.Group(group))
	}
	return user
}
