# Debian packages: doppel (the program, its side libraries, the service) and libdoppel-dev. Made by
# scripts/package. What only a package brings is left out of `cmake --install`.
# gzipped(<source> <target>): compressed as Debian wants it, with equal bytes for equal text.
function(gzipped source target)
  execute_process(COMMAND gzip -9nc ${source} OUTPUT_FILE ${target} COMMAND_ERROR_IS_FATAL ANY)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
endfunction()

set(made ${PROJECT_BINARY_DIR}/packaging)
set(given ${PROJECT_SOURCE_DIR}/packaging)
file(MAKE_DIRECTORY ${made})
gzipped(${given}/debian/changelog ${made}/changelog.gz)
gzipped(${PROJECT_SOURCE_DIR}/CHANGELOG.md ${made}/NEWS.md.gz)
gzipped(${given}/README.md ${made}/README.md.gz)
file(READ ${given}/doppel.service unit)
string(REPLACE /usr/local/ /usr/ unit "${unit}")
file(WRITE ${made}/doppel.service "${unit}")

foreach(package IN ITEMS doppel libdoppel-dev)
  set(component service)
  if(package STREQUAL libdoppel-dev)
    set(component libraries)
  endif()
  install(FILES ${given}/debian/copyright ${made}/changelog.gz DESTINATION share/doc/${package}
          COMPONENT ${component} EXCLUDE_FROM_ALL)
endforeach()
install(FILES ${made}/NEWS.md.gz ${made}/README.md.gz DESTINATION share/doc/doppel
        COMPONENT service EXCLUDE_FROM_ALL)
install(FILES ${made}/doppel.service DESTINATION lib/systemd/system COMPONENT service EXCLUDE_FROM_ALL)
install(FILES ${given}/doppel.env DESTINATION /etc/doppel PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ
        COMPONENT service EXCLUDE_FROM_ALL)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/examples DESTINATION share/doc/libdoppel-dev
        COMPONENT libraries EXCLUDE_FROM_ALL)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME doppel)
set(CPACK_PACKAGE_CONTACT "The Doppel authors <doppel@users.noreply.invalid>")
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_SET_DESTDIR ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
set(CPACK_COMPONENTS_ALL program service development libraries)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)

set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME doppel)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SECTION graphics)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR})
set(CPACK_DEBIAN_PROGRAM_PACKAGE_DEPENDS passwd)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_RECOMMENDS libdlib-data)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_CONTROL_EXTRA ${given}/debian/postinst ${given}/debian/prerm
    ${given}/debian/postrm ${given}/debian/conffiles)
set(CPACK_COMPONENT_PROGRAM_DESCRIPTION
    "recognises people from one photo each
Doppel trains small networks on photos of faces on an ordinary CPU,
measures them on people they have not seen, and says who of an
organisation's people is on a photo, or that it is a stranger. Templates
are stored, photos are not, and nothing leaves the machine. As a program
and as a service over HTTP.")

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libdoppel-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
string(CONCAT CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS
       "doppel (= ${PROJECT_VERSION}), libpng-dev, libjpeg-dev, libwebp-dev, libarchive-dev, libsqlitecpp-dev, "
       "libsqlite3-dev, libsodium-dev, libhwy-dev, libutf8proc-dev, pkg-config")
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION
    "recognises people from one photo each: for programs in C++
The static library and the headers of Doppel, with what
find_package(doppel) needs: training, measuring on people who were not
seen, galleries of people and who of them is on a photo.")

include(CPack)
cpack_add_component_group(program)
cpack_add_component_group(development)
cpack_add_component(program GROUP program)
cpack_add_component(service GROUP program)
cpack_add_component(development GROUP development)
cpack_add_component(libraries GROUP development)
