package refusal

import (
	"reflect"

	fcos1_0 "github.com/coreos/butane/config/fcos/v1_0"
	fcos1_1 "github.com/coreos/butane/config/fcos/v1_1"
	fcos1_2 "github.com/coreos/butane/config/fcos/v1_2"
	fcos1_3 "github.com/coreos/butane/config/fcos/v1_3"
	fcos1_4 "github.com/coreos/butane/config/fcos/v1_4"
	fcos1_5 "github.com/coreos/butane/config/fcos/v1_5"
	fcos1_6 "github.com/coreos/butane/config/fcos/v1_6"
	fcos1_7 "github.com/coreos/butane/config/fcos/v1_7"
	fcos1_8_exp "github.com/coreos/butane/config/fcos/v1_8_exp"
	fiot1_0 "github.com/coreos/butane/config/fiot/v1_0"
	flatcar1_0 "github.com/coreos/butane/config/flatcar/v1_0"
	flatcar1_1 "github.com/coreos/butane/config/flatcar/v1_1"
	flatcar1_2_exp "github.com/coreos/butane/config/flatcar/v1_2_exp"
	openshift4_22 "github.com/coreos/butane/config/openshift/v4_22"
	r4e1_1 "github.com/coreos/butane/config/r4e/v1_1"
	ct "github.com/flatcar/container-linux-config-transpiler/config/types"

	"coreos-libvirt/internal/config/problem"
)

// schemas are what Butane reads configs into, for messages: all versions of the variants that this project's images take, and
// one of each of the others.
var schemas = []problem.Version{
	{Variant: "fcos", Version: "1.0.0", Type: reflect.TypeFor[fcos1_0.Config]()},
	{Variant: "fcos", Version: "1.1.0", Type: reflect.TypeFor[fcos1_1.Config]()},
	{Variant: "fcos", Version: "1.2.0", Type: reflect.TypeFor[fcos1_2.Config]()},
	{Variant: "fcos", Version: "1.3.0", Type: reflect.TypeFor[fcos1_3.Config]()},
	{Variant: "fcos", Version: "1.4.0", Type: reflect.TypeFor[fcos1_4.Config]()},
	{Variant: "fcos", Version: "1.5.0", Type: reflect.TypeFor[fcos1_5.Config]()},
	{Variant: "fcos", Version: "1.6.0", Type: reflect.TypeFor[fcos1_6.Config]()},
	{Variant: "fcos", Version: "1.7.0", Type: reflect.TypeFor[fcos1_7.Config]()},
	{Variant: "fcos", Version: "1.8.0-experimental", Type: reflect.TypeFor[fcos1_8_exp.Config]()},
	{Variant: "flatcar", Version: "1.0.0", Type: reflect.TypeFor[flatcar1_0.Config]()},
	{Variant: "flatcar", Version: "1.1.0", Type: reflect.TypeFor[flatcar1_1.Config]()},
	{Variant: "flatcar", Version: "1.2.0-experimental", Type: reflect.TypeFor[flatcar1_2_exp.Config]()},
	{Variant: "openshift", Version: "4.22.0", Type: reflect.TypeFor[openshift4_22.Config]()},
	{Variant: "r4e", Version: "1.1.0", Type: reflect.TypeFor[r4e1_1.Config]()},
	{Variant: "fiot", Version: "1.0.0", Type: reflect.TypeFor[fiot1_0.Config]()},
}

// legacyKeys is what a Container Linux Config is read into, with the keys of the newest etcd and flannel: which ones count, ct
// chooses by their versions.
type legacyKeys struct {
	Etcd struct {
		Version    ct.EtcdVersion `yaml:"version"`
		ct.Etcd3_5 `yaml:",inline"`
	} `yaml:"etcd"`
	Flannel struct {
		Version       ct.FlannelVersion `yaml:"version"`
		NetworkConfig ct.NetworkConfig  `yaml:"network_config"`
		ct.Flannel0_7 `yaml:",inline"`
	} `yaml:"flannel"`
	ct.Config `yaml:",inline"`
}

// LegacySchema is what a Container Linux Config is read into.
var LegacySchema = reflect.TypeFor[legacyKeys]()

// schemaOf is what a config of the variant and version is read into. Of a version that is not in the table it is the last
// of its variant.
func schemaOf(variant, version string) problem.Version {
	if variant == "" {
		return problem.Version{Type: LegacySchema}
	}
	own := problem.Version{Variant: variant, Version: version}
	for _, s := range schemas {
		if s.Variant == variant {
			own.Type = s.Type
		}
		if s.Variant == variant && s.Version == version {
			break
		}
	}
	return own
}
