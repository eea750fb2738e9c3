package quadlet

// keys are those that Podman 5.6.2 takes in each section (podman-systemd.unit(5)).
var keys = map[string][]string{
	"Container": {
		"AddCapability", "AddDevice", "AddHost", "Annotation", "AutoUpdate", "CgroupsMode", "ContainerName",
		"ContainersConfModule", "DNS", "DNSOption", "DNSSearch", "DropCapability", "Environment", "EnvironmentFile",
		"EnvironmentHost", "Entrypoint", "Exec", "ExposeHostPort", "GIDMap", "GlobalArgs", "Group", "GroupAdd", "HealthCmd",
		"HealthInterval", "HealthOnFailure", "HealthLogDestination", "HealthMaxLogCount", "HealthMaxLogSize",
		"HealthRetries", "HealthStartPeriod", "HealthStartupCmd", "HealthStartupInterval", "HealthStartupRetries",
		"HealthStartupSuccess", "HealthStartupTimeout", "HealthTimeout", "HostName", "IP6", "IP", "Image", "Label",
		"LogDriver", "LogOpt", "Mask", "Memory", "Mount", "Network", "NetworkAlias", "NoNewPrivileges", "Notify",
		"PidsLimit", "Pod", "PodmanArgs", "PublishPort", "Pull", "ReadOnly", "ReadOnlyTmpfs", "ReloadCmd", "ReloadSignal",
		"RemapGid", "RemapUid", "RemapUidSize", "RemapUsers", "Retry", "RetryDelay", "Rootfs", "RunInit", "SeccompProfile",
		"Secret", "SecurityLabelDisable", "SecurityLabelFileType", "SecurityLabelLevel", "SecurityLabelNested",
		"SecurityLabelType", "ServiceName", "ShmSize", "StopSignal", "StartWithPod", "StopTimeout", "SubGIDMap", "SubUIDMap",
		"Sysctl", "Timezone", "Tmpfs", "UIDMap", "Ulimit", "Unmask", "User", "UserNS", "VolatileTmp", "Volume", "WorkingDir",
	},
	"Volume": {
		"ContainersConfModule", "Copy", "Device", "Driver", "GlobalArgs", "Group", "Image", "Label", "Options", "PodmanArgs",
		"ServiceName", "Type", "User", "VolumeName",
	},
	"Network": {
		"Label", "DNS", "ContainersConfModule", "GlobalArgs", "DisableDNS", "Driver", "Gateway", "IPAMDriver", "IPRange",
		"IPv6", "InterfaceName", "Internal", "NetworkName", "NetworkDeleteOnStop", "Options", "ServiceName", "Subnet",
		"PodmanArgs",
	},
	"Kube": {
		"AutoUpdate", "ConfigMap", "ContainersConfModule", "ExitCodePropagation", "GlobalArgs", "KubeDownForce", "LogDriver",
		"LogOpt", "Network", "PodmanArgs", "PublishPort", "RemapGid", "RemapUid", "RemapUidSize", "RemapUsers",
		"ServiceName", "SetWorkingDirectory", "UserNS", "Yaml",
	},
	"Pod": {
		"AddHost", "ContainersConfModule", "DNS", "DNSOption", "DNSSearch", "ExitPolicy", "GIDMap", "GlobalArgs", "HostName",
		"IP", "IP6", "Label", "Network", "NetworkAlias", "PodName", "PodmanArgs", "PublishPort", "RemapGid", "RemapUid",
		"RemapUidSize", "RemapUsers", "ServiceName", "ShmSize", "SubGIDMap", "SubUIDMap", "UIDMap", "UserNS", "Volume",
	},
	"Build": {
		"Annotation", "Arch", "AuthFile", "ContainersConfModule", "DNS", "DNSOption", "DNSSearch", "Environment", "File",
		"ForceRM", "GlobalArgs", "GroupAdd", "ImageTag", "Label", "Network", "PodmanArgs", "Pull", "Retry", "RetryDelay",
		"Secret", "ServiceName", "SetWorkingDirectory", "Target", "TLSVerify", "Variant", "Volume",
	},
	"Image": {
		"AllTags", "Arch", "AuthFile", "CertDir", "ContainersConfModule", "Creds", "DecryptionKey", "GlobalArgs", "Image",
		"ImageTag", "OS", "PodmanArgs", "Policy", "Retry", "RetryDelay", "ServiceName", "TLSVerify", "Variant",
	},
	"Quadlet": {
		"DefaultDependencies",
	},
}
