# SPDX-License-Identifier: Apache-2.0
# fer_ros on the official ROS 2 image: docker build -t fer_ros . && docker run --rm fer_ros
FROM ros:jazzy-ros-base

SHELL ["/bin/bash", "-c"]
WORKDIR /ws

# What package.xml asks for, in a layer that a change of the code leaves alone.
COPY package.xml src/fer_ros/package.xml
RUN apt-get update \
    && apt-get install -qy --no-install-recommends python3-pip \
    && rosdep update --rosdistro "$ROS_DISTRO" \
    && DEBIAN_FRONTEND=noninteractive rosdep install --from-paths src --ignore-src -y \
    && rm -rf /var/lib/apt/lists/*

# LiteRT is the speed-up, and the others are for bags; apt's NumPy stays as it is.
RUN pip install --no-cache-dir --break-system-packages --no-deps ai-edge-litert \
    && pip install --no-cache-dir --break-system-packages "rosbags>=0.11,<0.12" "mcap>=1.2"

COPY . src/fer_ros
RUN source "/opt/ros/$ROS_DISTRO/setup.bash" \
    && colcon build --packages-select fer_ros --cmake-args -DBUILD_TESTING=OFF

# The image's own entry point sources ROS; this one the workspace as well.
RUN printf '%s\n' '#!/bin/bash' 'set -e' 'source "/opt/ros/$ROS_DISTRO/setup.bash"' \
    'source /ws/install/setup.bash' 'exec "$@"' > /entrypoint.sh \
    && chmod +x /entrypoint.sh
ENTRYPOINT ["/entrypoint.sh"]
CMD ["ros2", "launch", "fer_ros", "emotion.launch.py", "camera:=video"]
