//go:build cgo && !windows

package pkcs11

// The four calls that carry secrets, made directly: the library's own copy them into memory that is neither locked nor
// wiped (a PIN even into a string).

/*
#cgo linux LDFLAGS: -ldl
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned long rv;

// The list of functions of PKCS#11 2.40 (pkcs11f.h), by position: a version, then pointers.
struct functions {
	unsigned char version[2];
	void *at[68];
};
enum { atLogin = 18, atCreateObject = 20, atGetAttributeValue = 24 };

struct attribute {
	unsigned long type;
	void *value;
	unsigned long len;
};

static struct functions *functionsOf(const char *module) {
	void *handle = dlopen(module, RTLD_LAZY);
	struct functions *list = NULL;
	rv (*get)(struct functions **);
	if (handle == NULL) return NULL;
	get = (rv (*)(struct functions **))dlsym(handle, "C_GetFunctionList");
	if (get == NULL || get(&list) != 0) return NULL;
	return list;
}

static rv login(struct functions *f, unsigned long session, unsigned long user, void *pin, unsigned long len) {
	rv (*call)(unsigned long, unsigned long, void *, unsigned long) = f->at[atLogin];
	return call(session, user, pin, len);
}

static rv createObject(struct functions *f, unsigned long session, struct attribute *a, unsigned long n,
	void *value, unsigned long len, unsigned long *object) {
	rv (*call)(unsigned long, struct attribute *, unsigned long, unsigned long *) = f->at[atCreateObject];
	a[n].type = 0x11; // CKA_VALUE
	a[n].value = value;
	a[n].len = len;
	return call(session, a, n + 1, object);
}

static rv getValue(struct functions *f, unsigned long session, unsigned long object, void *into, unsigned long *len) {
	struct attribute a = {0x11, into, *len};
	rv (*call)(unsigned long, unsigned long, struct attribute *, unsigned long) = f->at[atGetAttributeValue];
	rv result = call(session, object, &a, 1);
	*len = a.len;
	return result;
}
*/
import "C"

import (
	"runtime"
	"unsafe"

	p11 "github.com/miekg/pkcs11"

	"poskey/internal/fault"
	"poskey/internal/secret"
)

// native is a module's list of functions.
type native struct{ list *C.struct_functions }

func loadNative(path string) (native, error) {
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	list := C.functionsOf(name)
	if list == nil {
		return native{}, fault.New(fault.DeviceFailed,
			"the module cannot be loaded: it is no PKCS#11 library for this system")
	}
	return native{list}, nil
}

func asError(rv C.rv) error {
	if rv == 0 {
		return nil
	}
	return p11.Error(rv)
}

// start gives the address of a secret's bytes to C, which holds them for the length of the call only.
func start(pinner *runtime.Pinner, b []byte) unsafe.Pointer {
	if len(b) == 0 {
		return nil
	}
	pinner.Pin(&b[0])
	return unsafe.Pointer(&b[0])
}

// login logs the user in. An empty PIN is given as none, which asks at the token's own pad where it has one.
func (n native) login(s p11.SessionHandle, pin *secret.Bytes) error {
	var pinner runtime.Pinner
	defer pinner.Unpin()
	b := pin.Expose()
	return asError(C.login(n.list, C.ulong(s), p11.CKU_USER, start(&pinner, b), C.ulong(len(b))))
}

// create makes an object with a value.
func (n native) create(s p11.SessionHandle, template []*p11.Attribute, value *secret.Bytes) (p11.ObjectHandle, error) {
	var pinner runtime.Pinner
	defer pinner.Unpin()
	size := C.size_t(unsafe.Sizeof(C.struct_attribute{}))
	list := C.calloc(C.size_t(len(template)+1), size)
	defer C.free(list)
	rows := unsafe.Slice((*C.struct_attribute)(list), len(template)+1)
	for i, a := range template {
		public := C.CBytes(a.Value)
		defer C.free(public)
		rows[i] = C.struct_attribute{C.ulong(a.Type), public, C.ulong(len(a.Value))}
	}
	b := value.Expose()
	var object C.ulong
	err := asError(C.createObject(n.list, C.ulong(s), &rows[0], C.ulong(len(template)), start(&pinner, b),
		C.ulong(len(b)), &object))
	return p11.ObjectHandle(object), err
}

// value reads an object's value.
func (n native) value(s p11.SessionHandle, o p11.ObjectHandle) (*secret.Bytes, error) {
	var size C.ulong
	if err := asError(C.getValue(n.list, C.ulong(s), C.ulong(o), nil, &size)); err != nil {
		return nil, err
	}
	const most = 4096 // no key wrapped here is longer than a key block
	if size == 0 || size > most {
		return nil, p11.Error(p11.CKR_ATTRIBUTE_VALUE_INVALID)
	}
	var pinner runtime.Pinner
	defer pinner.Unpin()
	out := secret.New(int(size))
	if err := asError(C.getValue(n.list, C.ulong(s), C.ulong(o), start(&pinner, out.Expose()), &size)); err != nil {
		out.Wipe()
		return nil, err
	}
	if int(size) != out.Len() {
		out.Wipe()
		return nil, p11.Error(p11.CKR_ATTRIBUTE_VALUE_INVALID)
	}
	return out, nil
}
