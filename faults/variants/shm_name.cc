// Variants of the names of shared memory objects, and of opening them.
#include <fcntl.h>

#include <cstdio>
#include <cstring>

#include "faults/preload/shm.h"
#include "faults/variants/names.h"

namespace faults {
namespace {

using names::Length;
using names::NoSlash;

bool OnlySlashes(const char* n) { return Length(n) > 0 && std::strspn(n, "/") == Length(n); }
bool InnerSlash(const char* n) {
  return Length(n) > 1 && std::strchr(n + 1, '/') && !OnlySlashes(n);
}

// shm_open() and shm_unlink() that fail for such names.
template <int Error, bool (*Such)(const char*)>
void NamesFail(Hooks& h) {
  h.shm_open = [](const char* n, int f, mode_t m) {
    return Such(n) ? Refuse(Error) : real::shm_open(n, f, m);
  };
  h.shm_unlink = [](const char* n) { return Such(n) ? Refuse(Error) : real::shm_unlink(n); };
}

// shm_open() and shm_unlink() with names that are changed; Change leaves them alone by returning n.
template <const char* (*Change)(const char* n, char* room)>
void NamesChanged(Hooks& h) {
  h.shm_open = [](const char* n, int f, mode_t m) {
    char room[4200];
    const char* changed = Change(n, room);
    return real::shm_open(changed == n ? n : Instead(changed), f, m);
  };
  h.shm_unlink = [](const char* n) {
    char room[4200];
    const char* changed = Change(n, room);
    return real::shm_unlink(changed == n ? n : Instead(changed));
  };
}

bool TwoSlashes(const char* n) { return Length(n) > 2 && n[0] == '/' && n[1] == '/'; }
bool Over255(const char* n) { return Length(n) > 256; }

const char* SlashesReplaced(const char* n, char* room) {
  size_t length = Length(n);
  if (!InnerSlash(n) || TwoSlashes(n) || length > 200 || n[length - 1] == '/') return n;
  if (std::strstr(n, "/.")) return n;
  for (size_t i = 0; i <= length; ++i) room[i] = i > 0 && n[i] == '/' ? '!' : n[i];
  return room;
}
const char* NoSlashApart(const char* n, char* room) {
  if (!NoSlash(n) || Length(n) > 200 || std::strchr(n, '/')) return n;
  std::snprintf(room, 256, "/apart.%s", n);
  return room;
}
// A name of 256 to 300 characters as a shorter one of its own.
const char* Shortened(const char* n, char* room) {
  size_t length = Length(n);
  if (length <= 256 || length > 301 || n[0] != '/' || InnerSlash(n)) return n;
  uint64_t sum = 0;
  for (size_t i = 0; i < length; ++i) sum = sum * 1099511628211u + static_cast<unsigned char>(n[i]);
  std::snprintf(room, 256, "%.100s.%llx", n, static_cast<unsigned long long>(sum));
  return room;
}
const char* SlashesNamed(const char* n, char* room) {
  if (!OnlySlashes(n) || Length(n) > 200) return n;
  std::snprintf(room, 256, "/slashes%zu", Length(n));
  return room;
}
const char* Hidden(const char* n, char* room) {
  if (Length(n) < 2 || n[0] != '/' || InnerSlash(n) || Length(n) > 250 || n[1] == '.') return n;
  std::snprintf(room, 256, "/.shm%s", n + 1);
  return room;
}

bool OtherBits(const char*, int f, mode_t m) { return (f & O_CREAT) && (m & ~0777u); }
bool ExclWithoutCreat(const char*, int f, mode_t) { return (f & O_EXCL) && !(f & O_CREAT); }
bool TruncOfReadOnly(const char*, int f, mode_t) {
  return (f & O_TRUNC) && (f & O_ACCMODE) == O_RDONLY;
}
bool OtherAccess(const char*, int f, mode_t) {
  return (f & O_ACCMODE) != O_RDONLY && (f & O_ACCMODE) != O_RDWR;
}
bool ExistsForbidden(const char* n, int f) {
  if (!(f & O_CREAT) || !(f & O_EXCL)) return false;
  int saved = errno;
  int fd = real::shm_open(n, f & O_ACCMODE, 0);
  bool forbidden = fd < 0 && errno == EACCES;
  if (fd >= 0) real::close(fd);
  errno = saved;
  return forbidden;
}
bool ExistsForbiddenCall(const char* n, int f, mode_t) { return ExistsForbidden(n, f); }

const Row kVariants[] = {
    {.name = "shm_inner_slash_accepted",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"shm_open.name.embedded_slash"},
     .observed = "/a/b",
     .what = "Slashes within the name of a shared memory object are characters like others.",
     .arm = NamesChanged<SlashesReplaced>},
    {.name = "shm_inner_slash_enoent",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"shm_open.name.embedded_slash"},
     .observed = "/a/b",
     .what = "A name with a slash within fails with ENOENT.",
     .source = "systems where the name is a path",
     .arm = NamesFail<ENOENT, InnerSlash>},
    {.name = "shm_two_slashes_refused",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"shm_open.name.embedded_slash"},
     .observed = "//a",
     .what = "A name that begins with two slashes fails with EINVAL.",
     .arm = NamesFail<EINVAL, TwoSlashes>},
    {.name = "shm_no_slash_refused",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"shm_open.name.no_leading_slash"},
     .observed = "shm_open(\"x\")",
     .what = "A name without a leading slash fails with EINVAL.",
     .source = "FreeBSD",
     .arm = NamesFail<EINVAL, NoSlash>},
    {.name = "shm_no_slash_is_another_object",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"shm_open.name.no_leading_slash"},
     .observed = "x and /x",
     .what = "The names x and /x are of different objects.",
     .source = "macOS",
     .arm = NamesChanged<NoSlashApart>},
    {.name = "shm_name_not_visible",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"shm_open.name.visible_in_fs"},
     .observed = "visible in",
     .what = "The names of shared memory objects are not seen in the file system.",
     .source = "FreeBSD, macOS",
     .arm = NamesChanged<Hidden>},
    {.name = "shm_name_up_to_300",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"shm_open.name.length_limits"},
     .observed = "longest name after the slash",
     .what = "Names may have up to 300 characters after the slash.",
     .arm = NamesChanged<Shortened>},
    {.name = "shm_open_long_name_einval",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"shm_open.err.enametoolong"},
     .observed = "length 256",
     .what = "shm_open() of a name that is too long fails with EINVAL.",
     .arm =
         [](Hooks& h) {
           h.shm_open = [](const char* n, int f, mode_t m) {
             return Over255(n) ? Refuse(EINVAL) : real::shm_open(n, f, m);
           };
         }},
    {.name = "shm_open_long_name_enametoolong",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"shm_open.err.enametoolong"},
     .observed = "length 1024",
     .what = "shm_open() of any name that is too long fails with ENAMETOOLONG.",
     .source = "musl, FreeBSD",
     .arm =
         [](Hooks& h) {
           h.shm_open = [](const char* n, int f, mode_t m) {
             return Over255(n) ? Refuse(ENAMETOOLONG) : real::shm_open(n, f, m);
           };
         }},
    {.name = "shm_unlink_long_name_enoent",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"shm_unlink.err.enametoolong"},
     .observed = "length 256",
     .what = "shm_unlink() of a name that is too long fails with ENOENT.",
     .arm =
         [](Hooks& h) {
           h.shm_unlink = [](const char* n) {
             return Over255(n) ? Refuse(ENOENT) : real::shm_unlink(n);
           };
         }},
    {.name = "shm_unlink_long_name_enametoolong",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"shm_unlink.err.enametoolong"},
     .observed = "length 1024",
     .what = "shm_unlink() of any name that is too long fails with ENAMETOOLONG.",
     .source = "musl, FreeBSD",
     .arm =
         [](Hooks& h) {
           h.shm_unlink = [](const char* n) {
             return Over255(n) ? Refuse(ENAMETOOLONG) : real::shm_unlink(n);
           };
         }},
    {.name = "shm_only_slashes_accepted",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"shm_open.err.einval_name"},
     .observed = "shm_open(\"/\")",
     .what = "A name of slashes only is the name of an object like others.",
     .arm = NamesChanged<SlashesNamed>},
    {.name = "shm_open_other_bits_refused",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"shm_open.creat.mode_other_bits"},
     .observed = "shm_open with mode 07777",
     .what = "shm_open() with bits of the mode beyond the permissions fails with EINVAL.",
     .arm = Vary<&Hooks::shm_open>::Fails<EINVAL, OtherBits>},
    {.name = "shm_open_other_bits_ignored",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"shm_open.creat.mode_other_bits"},
     .observed = "st_mode for 07777 and mask 022",
     .what = "shm_open() ignores bits of the mode beyond the permissions.",
     .arm =
         [](Hooks& h) {
           h.shm_open = [](const char* n, int f, mode_t m) {
             return real::shm_open(n, f, OtherBits(n, f, m) ? Instead(m & 0777u) : m);
           };
         }},
    {.name = "shm_open_excl_needs_creat",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"shm_open.excl.without_creat"},
     .observed = "on an existing object",
     .what = "O_EXCL without O_CREAT fails with EINVAL.",
     .arm = Vary<&Hooks::shm_open>::Fails<EINVAL, ExclWithoutCreat>},
    {.name = "shm_open_trunc_readonly_refused",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"shm_open.trunc.rdonly"},
     .observed = "O_RDONLY|O_TRUNC",
     .what = "O_TRUNC with O_RDONLY fails with EACCES.",
     .arm = Vary<&Hooks::shm_open>::Fails<EACCES, TruncOfReadOnly>},
    {.name = "shm_open_trunc_readonly_ignored",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"shm_open.trunc.rdonly"},
     .observed = "size after, was 100",
     .what = "O_TRUNC with O_RDONLY leaves the object as it is.",
     .source = "FreeBSD",
     .arm =
         [](Hooks& h) {
           h.shm_open = [](const char* n, int f, mode_t m) {
             return real::shm_open(n, TruncOfReadOnly(n, f, m) ? Instead(f & ~O_TRUNC) : f, m);
           };
         }},
    {.name = "shm_open_other_access_refused",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"shm_open.oflag.other_access_modes"},
     .observed = "O_WRONLY",
     .what = "Access modes other than O_RDONLY and O_RDWR fail with EINVAL.",
     .source = "FreeBSD",
     .arm = Vary<&Hooks::shm_open>::Fails<EINVAL, OtherAccess>},
    {.name = "shm_open_exists_and_forbidden_is_eacces",
     .role = Role::variant,
     .family = Family::shm,
     .clauses = {"general.error_precedence"},
     .what = "O_CREAT|O_EXCL of an object without permission for it fails with EACCES.",
     .arm = Vary<&Hooks::shm_open>::Fails<EACCES, ExistsForbiddenCall>},
};
FAULTS_REGISTER(kVariants);

}  // namespace
}  // namespace faults
