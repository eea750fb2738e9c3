package transpile

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"coreos-libvirt/internal/terminal/hint"
)

// keepsAll is an error if the document of spec 3 does not have all that ct's has, of Ignition 2.3: it is compared value by
// value, without knowing the keys, so that no converter loses one silently. paths are where the file systems are, by name.
func keepsAll(ignition2, spec3 []byte, paths map[string]string) error {
	var old, doc map[string]any
	if err := json.Unmarshal(ignition2, &old); err != nil {
		return err
	}
	if err := json.Unmarshal(spec3, &doc); err != nil {
		return err
	}
	want, got, lost := values{}, values{}, []string{}
	want.add("", inSpec3(old, paths))
	got.add("", doc)
	for _, place := range slices.Sorted(maps.Keys(want)) {
		if got[place] != want[place] {
			lost = append(lost, place)
		}
	}
	if len(lost) == 0 {
		return nil
	}
	return hint.Errorf("write it as Butane, which has a key for it: https://coreos.github.io/butane/config-flatcar-v1_1/; and please report this config",
		"the way from Ignition 2.3 to 3.0 loses %s", strings.Join(lost, ", "))
}

// values are the scalars of a document of spec 3, by place: "storage.files[/etc/x].mode" is "420". A list of scalars is one value.
type values map[string]string

func (v values) add(place string, node any) {
	switch node := node.(type) {
	case map[string]any:
		for key, child := range node {
			v.add(strings.TrimPrefix(place+"."+key, "."), child)
		}
	case []any:
		for i, item := range node {
			if m, is := item.(map[string]any); is {
				v.add(fmt.Sprintf("%s[%v]", place, identity(place, m, i)), m)
			} else {
				v[place] += fmt.Sprintf("%q ", item)
			}
		}
	case nil:
	default:
		v[place] = fmt.Sprint(node)
	}
}

// identity is what an item of a list is known by: of what comes twice, and of what Ignition 2 wrote one over the other, its
// name; of all else its number.
func identity(list string, item map[string]any, number int) any {
	switch list[strings.LastIndex(list, ".")+1:] {
	case "files", "directories", "links":
		return item["path"]
	case "units", "dropins":
		return item["name"]
	}
	return number
}

// inSpec3 is a document of Ignition 2.3 with all that it says where spec 3 has that.
func inSpec3(doc map[string]any, paths map[string]string) map[string]any {
	ignition, storage, passwd, systemd := child(doc, "ignition"), child(doc, "storage"), child(doc, "passwd"), child(doc, "systemd")
	delete(ignition, "version")
	move(child(ignition, "config"), "append", "merge")
	files := slices.Concat(items(storage, "files"), networkItems(child(doc, "networkd")))
	delete(doc, "networkd")
	for _, node := range slices.Concat(files, items(storage, "directories"), items(storage, "links")) {
		placeItem(node, paths)
	}
	doc["storage"] = storage
	storage["files"], storage["filesystems"] = oneEach(files), mountItems(items(storage, "filesystems"), paths)
	for _, user := range items(passwd, "users") {
		raise(user, "create")
	}
	for _, unit := range items(systemd, "units") {
		if unit["enabled"] == nil {
			move(unit, "enable", "enabled")
		}
		delete(unit, "enable")
	}
	return doc
}

// placeItem brings a file, directory or link onto the root.
func placeItem(node map[string]any, paths map[string]string) {
	in, _ := node["filesystem"].(string)
	delete(node, "filesystem")
	node["path"] = path.Join("/", paths[in], fmt.Sprint(node["path"]))
	if node["hard"] == true {
		node["target"] = path.Join("/", paths[in], fmt.Sprint(node["target"]))
	}
}

// networkItems are networkd's units as files.
func networkItems(networkd map[string]any) (files []map[string]any) {
	file := func(name string, contents any) {
		if text, _ := contents.(string); text != "" {
			written := networkFile(path.Join(networkFolder, name), text)
			files = append(files, map[string]any{"filesystem": "root", "path": written.Path, "mode": *written.Mode, "contents": map[string]any{"source": written.Contents.Source}})
		}
	}
	for _, unit := range items(networkd, "units") {
		file(fmt.Sprint(unit["name"]), unit["contents"])
		for _, dropin := range items(unit, "dropins") {
			file(fmt.Sprintf("%s.d/%s", unit["name"], dropin["name"]), dropin["contents"])
		}
	}
	return files
}

// mountItems are file systems of devices: another is a word for a path.
func mountItems(filesystems []map[string]any, paths map[string]string) (mounts []any) {
	for _, fs := range filesystems {
		if mount := child(fs, "mount"); len(mount) > 0 {
			move(child(mount, "create"), "force", "wipeFilesystem")
			raise(mount, "create")
			if name, _ := fs["name"].(string); strings.Trim(paths[name], "/") != "" {
				mount["path"] = paths[name]
			}
			mounts = append(mounts, mount)
		}
	}
	return mounts
}

// oneEach is one file a path: a later one takes its place, or is appended and sets mode and owner again.
func oneEach(files []map[string]any) (each []any) {
	at := map[any]map[string]any{}
	for _, file := range files {
		first := at[file["path"]]
		if first == nil {
			first = map[string]any{}
			at[file["path"]] = first
			each = append(each, first)
		}
		if file["append"] == true {
			more, _ := first["append"].([]any)
			file["append"] = append(more, file["contents"])
			delete(file, "contents")
			delete(file, "overwrite")
		} else {
			clear(first)
		}
		maps.Copy(first, file)
	}
	return each
}

// child is a mapping below one: empty, and not of it, if there is none.
func child(m map[string]any, key string) map[string]any {
	if below, is := m[key].(map[string]any); is {
		return below
	}
	return map[string]any{}
}

// items are the mappings of a list below one.
func items(m map[string]any, key string) (all []map[string]any) {
	list, _ := m[key].([]any)
	for _, item := range list {
		if one, is := item.(map[string]any); is {
			all = append(all, one)
		}
	}
	return all
}

func move(m map[string]any, from, to string) {
	if v, has := m[from]; has {
		m[to] = v
		delete(m, from)
	}
}

// raise brings what is below key one level up.
func raise(m map[string]any, key string) {
	below := child(m, key)
	delete(m, key)
	maps.Copy(m, below)
}
