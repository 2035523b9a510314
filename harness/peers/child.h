// Children that check by themselves, and a place for named objects of their own.
#pragma once

#include <functional>
#include <string>

namespace ipcsuite {

// Where Linux keeps shared memory objects (and glibc named semaphores).
inline constexpr char kShmPlace[] = "/dev/shm";

// Runs `body` in a forked child and waits for its end; its EXPECT_* count. A child that dies is a
// failure; one that ends early (Unsupported(), Unresolved()) ends the test.
void InChild(const std::function<void()>& body);

// In a child: gives it a mount namespace of its own with a fresh tmpfs, mounted with these options
// ("size=1m"), as the place of shared memory objects and named semaphores. Works as root and, where
// unprivileged user namespaces are allowed, as anybody. Ends the test as UNSUPPORTED where neither
// is.
void EnterPrivatePlace(const std::string& options);
// In such a child: mounts the place again, read-only.
void MakePrivatePlaceReadOnly(const std::string& options);

}  // namespace ipcsuite
