package diagnose

import "poskey/pkg/device"

// lockCodes are codes of a vendor that tell of a lock, by their symbols, a blank between two.
type lockCodes struct {
	vendor, symbols string
	lock            device.LockKind
}

func codesOfLocks() []lockCodes {
	return []lockCodes{
		{"basewin", "PED_RET_ERR_PWDOVERRUN", device.LockPassword},
		{"ped-300-family", "PED_RET_ERR_PWDOVERRUN", device.LockPassword},
		{"landi", "ERROR_ENCRYPT_MAG_TRACK_TOO_FREQUENTLY ERROR_PIN_ENTRY_TOO_FREQUENTLY", device.LockPINRate},
		{"lc610n", "PED_RET_ERR_PINBLOCK_FREQUENT", device.LockPINRate},
		{"lc610n", "PED_RET_ERR_MODIFY_PWDA1 PED_RET_ERR_MODIFY_PWDA2 PED_RET_ERR_MODIFY_PWDB1 PED_RET_ERR_MODIFY_PWDB2 " +
			"PED_RET_ERR_PWDA_EQU_PWDB PED_RET_ERR_ADMIN_LOGA_ERR PED_RET_ERR_ADMIN_LOGB_ERR " +
			"PED_RET_ERR_VERFIY_PWDA PED_RET_ERR_VERFIY_PWDB", device.LockDualAdmin},
		{"generic-cn", "终端已锁定", device.LockOperator},
	}
}
