package vault

import "testing"

// A vault that lies under another name than its own opens bound to that, and in no other way.
func TestBound(t *testing.T) {
	w := newWorld(t, 1)
	first := w.tab()
	s := first.store("db", "st", withSecret("secret"))
	first.set(s, text("name", "value"), text("large", large("x")))
	first.end()
	w.disks["elsewhere"] = w.disks["db"]
	delete(w.disks, "db")

	second := w.tab()
	if _, err := second.tryOpen("elsewhere", withSecret("secret")); !ErrIntegrity.is(err) {
		t.Fatalf("it opens under another name, or fails with %v", err)
	}
	o := withSecret("secret")
	o.Bound = "db"
	o.ExpectVault = Yes
	s = second.store("elsewhere", "st", o)
	second.wants(s, "name", "value")
	second.wants(s, "large", large("x"))
	second.set(s, text("name", "changed"))
	second.end()

	w.disks["db"] = w.disks["elsewhere"]
	third := w.tab()
	third.wants(third.store("db", "st", withSecret("secret")), "name", "changed")
}
