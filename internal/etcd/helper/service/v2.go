package service

import (
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// v2 serves the v2 discovery protocol for members of etcd before 3.6, out of the same store: the part of
// etcd's v2 keys API that they use (https://etcd.io/docs/v2.3/discovery_protocol/). Revisions serve as
// indexes.
type v2 struct{ *registry }

// Where the protocol's tokens are: in URLs, and in the store.
const (
	v2Path  = "/v2/keys/discovery/"
	v2Store = "/v2/"
)

// v2Node is a key in an answer.
type v2Node struct {
	Key      string   `json:"key"`
	Value    string   `json:"value,omitempty"`
	Dir      bool     `json:"dir,omitempty"`
	Nodes    []v2Node `json:"nodes,omitempty"`
	Created  int64    `json:"createdIndex,omitempty"`
	Modified int64    `json:"modifiedIndex,omitempty"`
}

func (v *v2) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token, id, inside := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, v2Path), "/"), "/")
	key := v2Store + v.token.ID
	if inside {
		key += "/" + id
	}
	switch {
	case !strings.HasPrefix(r.URL.Path, v2Path) || token != v.token.ID || path.Clean(key) != key:
		v.refuse(w, http.StatusNotFound, 100, "Key not found")
	case r.Method == http.MethodPut && memberKey.MatchString(id):
		v.create(w, r, key)
	case r.Method == http.MethodGet && r.URL.Query().Get("wait") == "true":
		v.watch(w, r, key)
	case r.Method == http.MethodGet:
		v.get(w, r, key)
	default:
		http.Error(w, "this serves the discovery of etcd's members and nothing else", http.StatusMethodNotAllowed)
	}
}

// get is a key, or the keys of a token but those that begin with _, as v2 hid them.
func (v *v2) get(w http.ResponseWriter, r *http.Request, key string) {
	answer, err := v.client.Get(r.Context(), key)
	if err == nil && len(answer.Kvs) == 1 {
		kv := answer.Kvs[0]
		v.answer(w, http.StatusOK, answer.Header.Revision, "get", v2Node{Key: key, Value: string(kv.Value), Created: kv.CreateRevision, Modified: kv.ModRevision})
		return
	}
	if err == nil {
		answer, err = v.client.Get(r.Context(), key+"/", clientv3.WithPrefix())
	}
	if err != nil || len(answer.Kvs) == 0 {
		v.refuse(w, http.StatusNotFound, 100, "Key not found")
		return
	}
	dir := v2Node{Key: key, Dir: true}
	for _, kv := range answer.Kvs {
		if name := string(kv.Key); path.Dir(name) == key {
			dir.Nodes = append(dir.Nodes, v2Node{Key: name, Value: string(kv.Value), Created: kv.CreateRevision, Modified: kv.ModRevision})
		}
	}
	v.answer(w, http.StatusOK, answer.Header.Revision, "get", dir)
}

// create is a member's own key, which must not be there yet.
func (v *v2) create(w http.ResponseWriter, r *http.Request, key string) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		v.refuse(w, http.StatusUnsupportedMediaType, 210, "a value comes in a body of the type application/x-www-form-urlencoded")
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(readWithin))
	r.Body = http.MaxBytesReader(w, r.Body, longestBody)
	if err := r.ParseForm(); err != nil {
		v.refuse(w, http.StatusRequestEntityTooLarge, 210, "the body is too long, or no form")
		return
	}
	value := r.PostForm.Get("value")
	index, _, err := v.register(r.Context(), key, value, addressOf(r.RemoteAddr))
	switch {
	case errors.Is(err, errIsThere):
		v.refuse(w, http.StatusPreconditionFailed, 105, "Key already exists")
	case err != nil:
		v.refuse(w, http.StatusForbidden, 107, err.Error())
	default:
		v.answer(w, http.StatusCreated, index, "create", v2Node{Key: key, Value: value, Created: index, Modified: index})
	}
}

// watch waits for the next change from an index on.
func (v *v2) watch(w http.ResponseWriter, r *http.Request, key string) {
	from, _ := strconv.ParseInt(r.URL.Query().Get("waitIndex"), 10, 64)
	options := []clientv3.OpOption{clientv3.WithRev(from)}
	if r.URL.Query().Get("recursive") == "true" {
		key += "/"
		options = append(options, clientv3.WithPrefix())
	}
	w.Header().Set("X-Etcd-Index", strconv.FormatInt(max(from-1, 1), 10))
	w.Header().Set("Content-Type", "application/json")
	if flusher, ok := w.(http.Flusher); ok {
		w.WriteHeader(http.StatusOK)
		flusher.Flush() // the headers at once, as etcd did: clients wait for them only so long
	}
	for change := range v.client.Watch(r.Context(), key, options...) {
		for _, event := range change.Events {
			kv := event.Kv
			_ = json.NewEncoder(w).Encode(map[string]any{"action": "create", "node": v2Node{
				Key: string(kv.Key), Value: string(kv.Value), Created: kv.CreateRevision, Modified: kv.ModRevision,
			}})
			return
		}
	}
}

func (v *v2) answer(w http.ResponseWriter, status int, index int64, action string, node v2Node) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Etcd-Index", strconv.FormatInt(index, 10))
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"action": action, "node": node})
}

func (v *v2) refuse(w http.ResponseWriter, status, code int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errorCode": code, "message": message})
}
