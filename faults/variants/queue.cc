// Variants of opening, naming, removing and asking about message queues.
#include <fcntl.h>

#include <climits>
#include <cstdio>
#include <cstring>

#include "faults/preload/queues.h"
#include "faults/variants/names.h"

namespace faults {
namespace {

using names::Dots;
using names::InnerSlash;
using names::Length;
using names::NoSlash;
using names::SlashesReplaced;

bool OnlySlash(const char* n) { return Length(n) == 1 && n[0] == '/'; }
bool Long(const char* n) { return Length(n) > 256; }

// mq_open() and mq_unlink() that fail for such names.
template <int Error, bool (*Such)(const char*)>
void NamesFail(Hooks& h) {
  h.mq_open = [](const char* n, int f, mode_t m, const mq_attr* a) -> mqd_t {
    return Such(n) ? Refuse(Error) : OpenQueue(n, f, m, a);
  };
  h.mq_unlink = [](const char* n) { return Such(n) ? Refuse(Error) : real::mq_unlink(n); };
}

template <const char* (*Change)(const char* n, char* room)>
void NamesChanged(Hooks& h) {
  h.mq_open = [](const char* n, int f, mode_t m, const mq_attr* a) {
    char room[512];
    const char* changed = Change(n, room);
    return OpenQueue(changed == n ? n : Instead(changed), f, m, a);
  };
  h.mq_unlink = [](const char* n) {
    char room[512];
    const char* changed = Change(n, room);
    return real::mq_unlink(changed == n ? n : Instead(changed));
  };
}
const char* SlashAdded(const char* n, char* room) {
  if (!NoSlash(n) || Length(n) > 250 || std::strchr(n, '/')) return n;
  std::snprintf(room, 512, "/%s", n);
  return room;
}

bool OtherBits(const char*, int f, mode_t m, const mq_attr*) {
  return (f & O_CREAT) && (m & ~0777u);
}
bool ExclWithoutCreat(const char*, int f, mode_t, const mq_attr*) {
  return (f & O_EXCL) && !(f & O_CREAT);
}
bool BadAttributes(const mq_attr* a) {
  return a && !Unreadable(a) && (a->mq_maxmsg <= 0 || a->mq_msgsize <= 0);
}
bool BadAttributesOfOther(const char* n, int f, mode_t, const mq_attr* a) {
  return (f & O_CREAT) && !(f & O_EXCL) && BadAttributes(a) && QueueExists(n);
}
bool BadAttributesOfExclusive(const char* n, int f, mode_t, const mq_attr* a) {
  return (f & O_CREAT) && (f & O_EXCL) && BadAttributes(a) && QueueExists(n);
}
bool DeniesOwner(const char* n, int f, mode_t m, const mq_attr*) {
  if (geteuid() == 0 || !(f & O_CREAT) || QueueExists(n)) return false;
  bool reads = (f & O_ACCMODE) != O_WRONLY, writes = (f & O_ACCMODE) != O_RDONLY;
  return (reads && !(m & 0400)) || (writes && !(m & 0200));
}
bool Huge(const mq_attr* a) { return a && a->mq_maxmsg >= 1 << 20; }

bool BadDescriptor(const Obj& o, mq_attr*) { return o.kind == Kind::bad; }
bool IsQueue(const Obj& o) { return o.kind == Kind::queue; }
bool AnyRead(const Obj&, void*, size_t, off_t) { return true; }

template <long MaxMessages, long Size>
void Defaults(Hooks& h) {
  h.mq_open = [](const char* n, int f, mode_t m, const mq_attr* a) {
    mq_attr mine{};
    mine.mq_maxmsg = MaxMessages;
    mine.mq_msgsize = Size;
    return OpenQueue(n, f, m, (f & O_CREAT) && !a ? Instead(&mine) : a);
  };
}

const Row kVariants[] = {
    {.name = "mq_getattr_checks_nothing",
     .role = Role::variant,
     .family = Family::mqueue,
     .clauses = {"mq_getattr.error.ebadf"},
     .observed = "(mqd_t)-1",
     .what = "mq_getattr() of what is not a descriptor succeeds with nothing in it.",
     .arm =
         [](Hooks& h) {
           h.mq_getattr = [](const Obj& o, mq_attr* a) {
             if (!BadDescriptor(o, a)) return real::mq_getattr(o.fd, a);
             *a = mq_attr{};
             return Instead(0);
           };
         }},
    {.name = "mq_setattr_ignores_unknown_flags",
     .role = Role::variant,
     .family = Family::mqueue,
     .clauses = {"mq_setattr.flags.implementation_bits"},
     .observed = "mq_flags with bit 30",
     .what = "mq_setattr() ignores flags other than O_NONBLOCK.",
     .source = "FreeBSD",
     .arm =
         [](Hooks& h) {
           h.mq_setattr = [](const Obj& o, const mq_attr* now, mq_attr* before) {
             if (!now || !(now->mq_flags & ~O_NONBLOCK)) return real::mq_setattr(o.fd, now, before);
             mq_attr clean = *now;
             clean.mq_flags = Instead(clean.mq_flags & O_NONBLOCK);
             return real::mq_setattr(o.fd, &clean, before);
           };
         }},
    {.name = "mq_open_other_bits_refused",
     .role = Role::variant,
     .family = Family::mqueue,
     .clauses = {"mq_open.create.mode_other_bits"},
     .observed = "S_ISUID",
     .what = "mq_open() with bits of the mode beyond the permissions fails with EINVAL.",
     .arm = Vary<&Hooks::mq_open>::Fails<EINVAL, OtherBits>},
    {.name = "mq_open_mode_denies_creator",
     .role = Role::variant,
     .family = Family::mqueue,
     .clauses = {"mq_open.create.mode_vs_own_access"},
     .observed = "O_RDWR|O_CREAT with mode 0",
     .what = "Creating a queue whose mode denies the access asked for fails with EACCES.",
     .arm = Vary<&Hooks::mq_open>::Fails<EACCES, DeniesOwner>},
    {.name = "mq_open_checks_attributes_always",
     .role = Role::variant,
     .family = Family::mqueue,
     .clauses = {"mq_open.create.existing_with_invalid_attr"},
     .observed = "mq_maxmsg 0",
     .what = "O_CREAT with invalid attributes fails with EINVAL for an existing queue too.",
     .arm = Vary<&Hooks::mq_open>::Fails<EINVAL, BadAttributesOfOther>},
    {.name = "mq_open_exclusive_checks_attributes_first",
     .role = Role::variant,
     .family = Family::mqueue,
     .clauses = {"general.error_precedence"},
     .what = "O_CREAT|O_EXCL of an existing queue with invalid attributes fails with EINVAL.",
     .arm = Vary<&Hooks::mq_open>::Fails<EINVAL, BadAttributesOfExclusive>},
    {.name = "mq_defaults_are_small",
     .role = Role::variant,
     .family = Family::mqueue,
     .clauses = {"mq_open.create.attr_null_defaults"},
     .observed = "mq_msgsize",
     .what = "A queue without attributes has 8 messages of 1024 bytes.",
     .source = "FreeBSD",
     .arm = Defaults<8, 1024>},
    {.name = "mq_defaults_are_least",
     .role = Role::variant,
     .family = Family::mqueue,
     .clauses = {"mq_open.create.attr_null_defaults"},
     .observed = "mq_maxmsg",
     .what = "A queue without attributes has one message of one byte.",
     .arm = Defaults<1, 1>},
    {.name = "mq_open_too_large_is_enospc",
     .role = Role::variant,
     .family = Family::mqueue,
     .clauses = {"mq_open.create.no_privilege_creates_nothing"},
     .observed = "mq_maxmsg of 2^30",
     .what = "Creating a queue that is larger than is allowed fails with ENOSPC.",
     .arm =
         [](Hooks& h) {
           h.mq_open = [](const char* n, int f, mode_t m, const mq_attr* a) -> mqd_t {
             mqd_t q = OpenQueue(n, f, m, a);
             return q == -1 && errno == EINVAL && (f & O_CREAT) && Huge(a) ? Refuse(ENOSPC) : q;
           };
         }},
    {.name = "mq_inner_slash_einval",
     .role = Role::variant,
     .family = Family::mqueue,
     .clauses = {"mq_open.name.inner_slash"},
     .observed = "/a/b",
     .what = "A name with a slash within fails with EINVAL.",
     .source = "FreeBSD",
     .arm = NamesFail<EINVAL, InnerSlash>},
    {.name = "mq_inner_slash_enoent",
     .role = Role::variant,
     .family = Family::mqueue,
     .clauses = {"mq_open.name.inner_slash"},
     .observed = "//a",
     .what = "A name with a slash within fails with ENOENT.",
     .arm = NamesFail<ENOENT, InnerSlash>},
    {.name = "mq_inner_slash_accepted",
     .role = Role::variant,
     .family = Family::mqueue,
     .clauses = {"mq_open.name.inner_slash"},
     .observed = "/a/",
     .what = "Slashes within the name of a queue are characters like others.",
     .arm = NamesChanged<SlashesReplaced>},
    {.name = "mq_no_slash_accepted",
     .role = Role::variant,
     .family = Family::mqueue,
     .clauses = {"mq_open.name.no_leading_slash"},
     .observed = "mq_open of \"name\"",
     .what = "The names x and /x are of the same queue.",
     .arm = NamesChanged<SlashAdded>},
    {.name = "mq_no_slash_enoent",
     .role = Role::variant,
     .family = Family::mqueue,
     .clauses = {"mq_open.name.no_leading_slash"},
     .observed = "mq_open of \"name\"",
     .what = "A name without a leading slash fails with ENOENT.",
     .arm = NamesFail<ENOENT, NoSlash>},
    {.name = "mq_only_slash_einval",
     .role = Role::variant,
     .family = Family::mqueue,
     .clauses = {"mq_open.name.unsupported_einval"},
     .observed = "mq_open(\"/\")",
     .what = "The name of a slash only fails with EINVAL.",
     .source = "FreeBSD",
     .arm = NamesFail<EINVAL, OnlySlash>},
    {.name = "mq_dots_einval",
     .role = Role::variant,
     .family = Family::mqueue,
     .clauses = {"mq_open.name.unsupported_einval"},
     .observed = "mq_open(\"/.\")",
     .what = "The names /. and /.. fail with EINVAL.",
     .source = "FreeBSD",
     .arm = NamesFail<EINVAL, Dots>},
    {.name = "mq_open_long_name_einval",
     .role = Role::variant,
     .family = Family::mqueue,
     .clauses = {"mq_open.error.enametoolong"},
     .observed = "a name of 5001 bytes",
     .what = "mq_open() of a name that is too long fails with EINVAL.",
     .arm =
         [](Hooks& h) {
           h.mq_open = [](const char* n, int f, mode_t m, const mq_attr* a) -> mqd_t {
             return Long(n) ? Refuse(EINVAL) : OpenQueue(n, f, m, a);
           };
         }},
    {.name = "mq_unlink_long_name_enoent",
     .role = Role::variant,
     .family = Family::mqueue,
     .clauses = {"mq_unlink.error.enametoolong"},
     .observed = "a missing name of a slash and 256 bytes",
     .what = "mq_unlink() of a name that is too long fails with ENOENT.",
     .arm =
         [](Hooks& h) {
           h.mq_unlink = [](const char* n) {
             return Long(n) ? Refuse(ENOENT) : real::mq_unlink(n);
           };
         }},
    {.name = "mq_open_both_accesses_accepted",
     .role = Role::variant,
     .family = Family::mqueue,
     .clauses = {"mq_open.oflag.undefined_combinations"},
     .observed = "O_WRONLY|O_RDWR on an existing queue",
     .what = "O_WRONLY|O_RDWR is O_RDWR.",
     .arm =
         [](Hooks& h) {
           h.mq_open = [](const char* n, int f, mode_t m, const mq_attr* a) {
             bool both = (f & O_ACCMODE) == (O_WRONLY | O_RDWR);
             return OpenQueue(n, both ? Instead((f & ~O_ACCMODE) | O_RDWR) : f, m, a);
           };
         }},
    {.name = "mq_open_excl_needs_creat",
     .role = Role::variant,
     .family = Family::mqueue,
     .clauses = {"mq_open.oflag.undefined_combinations"},
     .observed = "O_EXCL without O_CREAT on an existing queue",
     .what = "O_EXCL without O_CREAT fails with EINVAL.",
     .arm = Vary<&Hooks::mq_open>::Fails<EINVAL, ExclWithoutCreat>},
    {.name = "mq_descriptor_is_not_readable",
     .role = Role::variant,
     .family = Family::mqueue,
     .clauses = {"general.descriptor_as_file_descriptor"},
     .observed = "read",
     .what = "A queue's descriptor can't be read like a file: EBADF.",
     .arm = Vary<&Hooks::pread_queue>::Fails<EBADF, AnyRead>},
    {.name = "mq_descriptor_is_not_duplicated",
     .role = Role::variant,
     .family = Family::mqueue,
     .clauses = {"general.descriptor_as_file_descriptor"},
     .observed = "dup",
     .what = "dup() of a queue's descriptor fails with EBADF.",
     .arm = Vary<&Hooks::dup>::Fails<EBADF, IsQueue>},
    {.name = "mq_getfd_reports_more_flags",
     .role = Role::variant,
     .family = Family::mqueue,
     .clauses = {"general.descriptor_as_file_descriptor"},
     .what = "F_GETFD reports flags besides FD_CLOEXEC.",
     .arm =
         [](Hooks& h) {
           h.fcntl = [](const Obj& o, int c, long a) {
             int r = real::fcntl(o.fd, c, a);
             return c == F_GETFD && r >= 0 ? Instead(r | 0x40) : r;
           };
         }},
};
FAULTS_REGISTER(kVariants);

}  // namespace
}  // namespace faults
