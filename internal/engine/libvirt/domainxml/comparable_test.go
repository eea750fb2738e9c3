package domainxml

import "testing"

func TestTheOrderOfControllersIsLibvirts(t *testing.T) {
	const one, other = "  <controller type='usb' index='0' model='none'/>\n", "  <controller type='pci' index='1'>\n    <model name='a'/>\n  </controller>\n"
	if Comparable("<a>\n"+one+"<b/>\n"+other+"</a>\n") != Comparable("<a>\n"+other+"<b/>\n"+one+"</a>\n") {
		t.Error("the order of controllers is libvirt's own affair")
	}
}
