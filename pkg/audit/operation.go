package audit

// What was done, in the words of the trade.

import "poskey/internal/text"

// Operation names what was done: lower-case words with a dot between the thing and the act. [Operations] lists those
// that have a sentence for people; a log may hold others, which are shown by their names.
type Operation string

// Operations on the log itself. Only this package writes the first three.
const (
	LogCreate     Operation = "log.create"
	LogRecover    Operation = "log.recover"
	LogCheckpoint Operation = "log.checkpoint"
	LogVerify     Operation = "log.verify"
	LogExport     Operation = "log.export"
)

// Operations on the store and its officers.
const (
	StoreCreate         Operation = "store.create"
	StoreUnseal         Operation = "store.unseal"
	StoreAuthorise      Operation = "store.authorise"
	StoreSeal           Operation = "store.seal"
	StoreBackup         Operation = "store.backup"
	StoreRestore        Operation = "store.restore"
	StoreReshare        Operation = "store.reshare"
	StoreVerify         Operation = "store.verify"
	ShareOpen           Operation = "share.open"
	MasterOpen          Operation = "master.open"
	MasterReshare       Operation = "master.reshare"
	OfficerCreate       Operation = "officer.create"
	OfficerAdd          Operation = "officer.add"
	OfficerRemove       Operation = "officer.remove"
	OfficerAuthenticate Operation = "officer.authenticate"
	ApprovalGive        Operation = "approval.give"
	ApprovalUse         Operation = "approval.use"
	AgentConnect        Operation = "agent.connect" // by another user, or met by a bug
)

// Operations on keys and their components.
const (
	KeyGenerate        Operation = "key.generate"
	KeyForm            Operation = "key.form"
	KeyImport          Operation = "key.import"
	KeyExport          Operation = "key.export"
	KeySplit           Operation = "key.split"
	KeyWrap            Operation = "key.wrap"
	KeyUnwrap          Operation = "key.unwrap"
	KeyTranslate       Operation = "key.translate"
	KeyDerive          Operation = "key.derive"
	KeyReveal          Operation = "key.reveal"
	KeyCheck           Operation = "key.check"
	KeyProbe           Operation = "key.probe"
	KeyRotate          Operation = "key.rotate"
	KeyState           Operation = "key.state"
	KeyDestroy         Operation = "key.destroy"
	ComponentTakeOut   Operation = "component.take-out"
	ComponentPutBack   Operation = "component.put-back"
	ComponentConvey    Operation = "component.convey"
	ComponentDestroy   Operation = "component.destroy"
	CeremonyRun        Operation = "ceremony.run"
	BoundaryLogin      Operation = "hsm.login"
	BoundarySelftest   Operation = "hsm.selftest"
	IncidentOpen       Operation = "incident.open"
	IncidentNote       Operation = "incident.note"
	IncidentContain    Operation = "incident.contain"
	IncidentClose      Operation = "incident.close"
	ConfigurationWrite Operation = "config.write"
)

// Operations on devices and their key serial numbers.
const (
	DeviceAdd       Operation = "device.add"
	DeviceRemove    Operation = "device.remove"
	DeviceLoad      Operation = "device.load"
	DeviceLoadClear Operation = "device.load-clear"
	DeviceConfirm   Operation = "device.confirm"
	DeviceManage    Operation = "device.manage"
	DeviceLock      Operation = "device.lock"
	DeviceUnlock    Operation = "device.unlock"
	DeviceRecover   Operation = "device.recover"
	DeviceRestart   Operation = "device.restart"
	DeviceReset     Operation = "device.reset"
	DeviceUpdate    Operation = "device.update"
	DeviceEndorse   Operation = "device.endorse" // what the device makes of the approval is recorded by itself
	DeviceDerive    Operation = "device.derive"  // of an injection: from here on a device may have a number's key
	KSNAllocate     Operation = "ksn.allocate"
	KSNLease        Operation = "ksn.lease"
	KSNBurn         Operation = "ksn.burn"
)

// NamedOperation is an operation with its sentence.
type NamedOperation struct {
	Operation Operation
	Text      text.Text
}

// Operations lists the operations that have a sentence, in the order of a manual.
func Operations() []NamedOperation {
	return []NamedOperation{
		{LogCreate, text.New("create the audit log")},
		{LogRecover, text.New("repair the torn end of the audit log")},
		{LogCheckpoint, text.New("sign a checkpoint of the audit log")},
		{LogVerify, text.New("verify the audit log")},
		{LogExport, text.New("export the audit log")},
		{StoreCreate, text.New("create the key store")},
		{StoreUnseal, text.New("unseal the key store")},
		{ShareOpen, text.New("open a share of the master key")},
		{MasterOpen, text.New("put the master key together")},
		{MasterReshare, text.New("share the master key anew")},
		{StoreAuthorise, text.New("allow activities for a time")},
		{StoreSeal, text.New("seal the key store")},
		{StoreBackup, text.New("back up the key store")},
		{StoreRestore, text.New("restore the key store")},
		{StoreReshare, text.New("give the master key to other officers")},
		{StoreVerify, text.New("verify the key store")},
		{OfficerCreate, text.New("make an officer's identity")},
		{OfficerAdd, text.New("add an officer")},
		{OfficerRemove, text.New("remove an officer")},
		{OfficerAuthenticate, text.New("authenticate an officer")},
		{ApprovalGive, text.New("give an approval")},
		{ApprovalUse, text.New("use an approval")},
		{AgentConnect, text.New("connect to the agent")},
		{KeyGenerate, text.New("generate a key")},
		{KeyForm, text.New("form a key from components")},
		{KeyImport, text.New("import a key")},
		{KeyExport, text.New("export a key")},
		{KeySplit, text.New("split a key into components")},
		{KeyWrap, text.New("wrap a key")},
		{KeyUnwrap, text.New("unwrap a key block")},
		{KeyTranslate, text.New("translate a key block")},
		{KeyDerive, text.New("derive a key")},
		{KeyReveal, text.New("show a clear key")},
		{KeyCheck, text.New("compute or compare a check value")},
		{KeyProbe, text.New("ask about a key in a diagnosis")},
		{KeyRotate, text.New("rotate a key")},
		{KeyState, text.New("change the state of a key")},
		{KeyDestroy, text.New("destroy a key")},
		{ComponentTakeOut, text.New("take a component out of storage")},
		{ComponentPutBack, text.New("put a component back into storage")},
		{ComponentConvey, text.New("send or receive a component")},
		{ComponentDestroy, text.New("destroy a component")},
		{CeremonyRun, text.New("lead a key ceremony")},
		{BoundaryLogin, text.New("log in to an HSM")},
		{BoundarySelftest, text.New("test an HSM")},
		{IncidentOpen, text.New("open an incident")},
		{IncidentNote, text.New("tell how far the record of an incident has come")},
		{IncidentContain, text.New("contain an incident")},
		{IncidentClose, text.New("close an incident")},
		{ConfigurationWrite, text.New("change the configuration")},
		{DeviceAdd, text.New("add a device")},
		{DeviceRemove, text.New("remove a device")},
		{DeviceLoad, text.New("load a key into a device")},
		{DeviceLoadClear, text.New("load a clear key into a device")},
		{DeviceConfirm, text.New("confirm a key in a device")},
		{DeviceManage, text.New("manage a device")},
		{DeviceLock, text.New("lock a device")},
		{DeviceUnlock, text.New("unlock a device")},
		{DeviceRecover, text.New("lift the remote or tamper lock of a device")},
		{DeviceRestart, text.New("restart a device")},
		{DeviceReset, text.New("erase the keys of a device")},
		{DeviceUpdate, text.New("update a device")},
		{DeviceEndorse, text.New("approve an order to a device")},
		{DeviceDerive, text.New("derive the first key of an injection")},
		{KSNAllocate, text.New("allocate a key serial number")},
		{KSNLease, text.New("lease a range of key serial numbers")},
		{KSNBurn, text.New("burn a key serial number")},
	}
}

// Text gives the operation in words; its name when it has none.
func (o Operation) Text() text.Text {
	for _, row := range Operations() {
		if row.Operation == o {
			return row.Text
		}
	}
	return text.Raw(string(o))
}

// reserved tells operations that only this package writes.
func (o Operation) reserved() bool { return o == LogCreate || o == LogRecover || o == LogCheckpoint }
